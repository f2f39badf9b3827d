"""Request bodies that may be compressed -> what was compressed, never more than the limit of bodies."""

import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from service.errors import MalformedRequestError, PayloadTooLargeError, UnsupportedMediaError
from service.words import shorten

# What zlib must expect; RFC 9110, 8.4.1.2: deflate is the zlib format.
_WINDOW_BITS: Mapping[str, int] = MappingProxyType({"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS})

ENCODINGS = tuple(_WINDOW_BITS)
"""Content codings of requests that are understood."""


def find_encoding(headers: Mapping[bytes, bytes]) -> str | None:
    """The content coding of a request; None for a body that is as it is.

    Raises:
        UnsupportedMediaError: If it is another one, or several.
    """
    encoding = headers.get(b"content-encoding", b"").strip().lower().decode("latin-1")
    if encoding in {"", "identity"}:
        return None
    if encoding not in _WINDOW_BITS:
        raise UnsupportedMediaError(f"Content-Encoding is {shorten(encoding)}, expected {' or '.join(ENCODINGS)}")
    return encoding


def measure(chunks: Sequence[bytes], encoding: str | None, limit_bytes: int) -> int:
    """How many bytes a body may come to; the number of compressed ones says nothing, as a few may hold all."""
    return limit_bytes if encoding else sum(map(len, chunks))


def open_body(chunks: Sequence[bytes], encoding: str | None, limit_bytes: int) -> bytes:
    """The chunks of a body as one, and as they were before they were compressed; errors as `inflate`."""
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    return inflate(body, encoding, limit_bytes) if encoding else body


def inflate(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """What was compressed.

    Args:
        body: All of it.
        encoding: One of ENCODINGS.
        limit_bytes: Most bytes that come of it; no memory is spent on more.

    Raises:
        PayloadTooLargeError: If more would come of it.
        MalformedRequestError: If it is not of this coding, is cut off, or something follows it.
    """
    decoder = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        content = decoder.decompress(body, limit_bytes + 1)
    except zlib.error as error:
        raise MalformedRequestError(f"the body is not {encoding}, which Content-Encoding says it is") from error
    if len(content) > limit_bytes:
        raise PayloadTooLargeError(f"the {encoding} body holds more than {limit_bytes} bytes, which is the limit")
    if not decoder.eof:
        raise MalformedRequestError(f"the {encoding} body ends too early")
    # Several streams in a row are allowed, but no client sends them, and a million of empty ones would cost minutes.
    if decoder.unused_data:
        raise MalformedRequestError(f"{len(decoder.unused_data)} bytes came behind the end of the {encoding} body")
    return content
