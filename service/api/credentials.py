"""What a caller shows to be let in: a bearer token, or a key in a header of its own."""

from collections.abc import Mapping

_SCHEME = b"bearer "


def find_secret(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The secret among headers or metadata, by lower-case name; None if there is none.

    `X-API-Key: KEY` goes before `Authorization: Bearer KEY` (RFC 6750, 2.1): who sends the first may have a proxy that
    needs the second for itself, and puts a token there that is none of ours.
    """
    if b"x-api-key" in headers:
        return headers[b"x-api-key"]
    authorization = headers.get(b"authorization")
    if authorization is not None and authorization[: len(_SCHEME)].lower() == _SCHEME:
        return authorization[len(_SCHEME) :].strip()
    return None
