"""The plain 28x28 PNG, which is nearly every request, by its shortest way: bytes are compared, and libspng decodes.

It answers for nothing itself: whatever is not exactly plain, or cannot be decoded, is for `service.images.png`, which
then takes or refuses it. What is decoded here has the same pixels there; tests hold both against each other.
"""

import zlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from struct import Struct

import structlog

from service.domain import IMAGE_SIDE, Images
from service.errors import InvalidImageError

_log = structlog.get_logger()

# Signature and IHDR of 28x28 pixels, 8-bit grey, not interlaced, with its checksum; then the length of the next chunk.
_HEAD = bytes.fromhex("89504e470d0a1a0a 0000000d 49484452 0000001c 0000001c 08 00 00 00 00 57668048")
_IDAT = Struct(f">{len(_HEAD)}sI4s")
_IEND = bytes.fromhex("00000000 49454e44 ae426082")
_CHECKSUM = Struct(f">I{len(_IEND)}s")

_NAME_CHECKSUM = zlib.crc32(b"IDAT")
_ROWS_BYTES = IMAGE_SIDE * (1 + IMAGE_SIDE)
# More than any encoder makes of so few pixels; a megabyte of zeros at most can be hidden in it.
_MOST_BYTES = 1024

HAS_DECODER = find_spec("imagecodecs") is not None
"""Whether the extra `fast` is installed."""


def is_plain(data: bytes) -> bool:
    """Whether a file is a 28x28 image of 8-bit grey in one IDAT chunk that is whole, and holds nothing else."""
    if len(data) > _MOST_BYTES or len(data) < _IDAT.size + _CHECKSUM.size:
        return False
    head, length, name = _IDAT.unpack_from(data)
    end = _IDAT.size + length
    if head != _HEAD or name != b"IDAT" or end + _CHECKSUM.size != len(data):
        return False
    checksum, rest = _CHECKSUM.unpack_from(data, end)
    stream = data[_IDAT.size : end]
    return bool(rest == _IEND and checksum == zlib.crc32(stream, _NAME_CHECKSUM) and _has_all_rows(stream))


def _has_all_rows(stream: bytes) -> bool:
    """Also that the stream has its end, and the checksum there: libspng does without."""
    try:
        return len(zlib.decompress(stream, bufsize=_ROWS_BYTES)) == _ROWS_BYTES
    except zlib.error:
        return False


def decode_plain(data: bytes) -> Images | None:
    """The pixels of a plain file, uint8 (28, 28); None if it must be looked at more closely."""
    decode, error = _load_decoder()
    try:
        return decode(data)
    except error:
        return None


@cache
def _load_decoder() -> tuple[Callable[[bytes], Images], type[Exception]]:
    """libspng, at the first request rather than at the start: it takes 10 ms, and who sends arrays never needs it."""
    try:
        from imagecodecs import SpngError, spng_decode
    except ImportError as error:  # it is there, and cannot be loaded
        _log.warning("no_quick_decoder", error=str(error))
        return _decline, InvalidImageError
    return spng_decode, SpngError


def _decline(_: bytes) -> Images:
    raise InvalidImageError("there is no decoder")
