"""The plain 28x28 PNG, which is nearly every request: checked by comparing bytes, decoded by libspng if that is there.

It answers for nothing itself: whatever is not exactly plain, or cannot be decoded, is for `service.images.png`, which
then takes or refuses it. What is decoded here has the same pixels there; tests hold both against each other.
"""

import zlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from struct import Struct

from service.domain import Images

# Signature and IHDR of 28x28 pixels, 8-bit grey, not interlaced, with its checksum; then the length of the next chunk.
_HEAD = bytes.fromhex("89504e470d0a1a0a 0000000d 49484452 0000001c 0000001c 08 00 00 00 00 57668048")
_IDAT = Struct(f">{len(_HEAD)}sI4s")
_IEND = bytes.fromhex("00000000 49454e44 ae426082")
_CHECKSUM = Struct(f">I{len(_IEND)}s")

HAS_DECODER = find_spec("imagecodecs") is not None
"""Whether the extra `fast` is installed."""


def is_plain(data: bytes) -> bool:
    """Whether a file is a 28x28 image of 8-bit grey in one IDAT chunk that is whole, and holds nothing else."""
    if len(data) < _IDAT.size + _CHECKSUM.size:
        return False
    head, length, name = _IDAT.unpack_from(data)
    end = _IDAT.size + length
    if head != _HEAD or name != b"IDAT" or end + _CHECKSUM.size != len(data):
        return False
    checksum, rest = _CHECKSUM.unpack_from(data, end)
    return bool(rest == _IEND and checksum == zlib.crc32(memoryview(data)[_IDAT.size - 4 : end]))


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
    from imagecodecs import SpngError, spng_decode

    return spng_decode, SpngError
