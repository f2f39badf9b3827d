"""What a caller shows to be let in: a bearer token, or a key in a header of its own."""

from collections.abc import Mapping

_SCHEME = b"bearer "


def find_secret(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The secret among headers or metadata, by lower-case name; None if there is none.

    `Authorization: Bearer KEY` (RFC 6750, 2.1) comes first, since clients and proxies know it; `X-API-Key: KEY` is for
    where a proxy needs that header for itself.
    """
    authorization = headers.get(b"authorization")
    if authorization is not None and authorization[: len(_SCHEME)].lower() == _SCHEME:
        return authorization[len(_SCHEME) :].strip()
    return headers.get(b"x-api-key")
