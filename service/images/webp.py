"""WebP: the RIFF chunks."""

from functools import partial

from PIL.WebPImagePlugin import WebPImageFile

from service.errors import InvalidImageError
from service.images.header import MAX_PIECES, FileHeader, decode_with, too_many_pieces, unpack
from service.images.tiff import read_orientation

RIFF, WEBP = b"RIFF", b"WEBP"

_FIRST_CHUNK = 12
_SIDE_MASK = 0x3FFF  # the sides of a picture have 14 bits; those of the canvas 24
_ANIMATION_FLAG = 0x02
_EXIF = b"Exif\x00\x00"


def read_header(data: bytes) -> FileHeader:
    """Read the size, which stands in one of three kinds of first chunk, and count the frames.

    Raises:
        InvalidImageError: If a chunk is damaged or cut off.
    """
    size, animated = _read_first_chunk(data)
    frames, orientation = _walk(data)
    decode = partial(decode_with, WebPImageFile, data, size)
    return FileHeader(*size, decode, frames if animated else 1, orientation)


def _read_first_chunk(data: bytes) -> tuple[tuple[int, int], bool]:
    (name,) = unpack("4s", data, _FIRST_CHUNK)
    content = _FIRST_CHUNK + 8
    if name == b"VP8X":
        flags, *low_and_high = unpack("<B3xHBHB", data, content)
        width_low, width_high, height_low, height_high = low_and_high
        size = (1 + width_low + (width_high << 16), 1 + height_low + (height_high << 16))
        return size, bool(flags & _ANIMATION_FLAG)
    if name == b"VP8L":
        (bits,) = unpack("<xI", data, content)
        return (1 + (bits & _SIDE_MASK), 1 + (bits >> 14 & _SIDE_MASK)), False
    if name == b"VP8 ":
        width, height = unpack("<6xHH", data, content)
        return (width & _SIDE_MASK, height & _SIDE_MASK), False
    raise InvalidImageError(f"the WebP file begins with a {name!r} chunk, expected VP8, VP8L or VP8X")


def _walk(data: bytes) -> tuple[int, int]:
    """The number of animation frames, and the orientation."""
    frames, orientation, position = 0, 1, _FIRST_CHUNK
    end = min(len(data), 8 + unpack("<I", data, 4)[0])
    for _ in range(MAX_PIECES):
        if position + 8 > end:
            return frames, orientation
        name, length = unpack("<4sI", data, position)
        frames += name == b"ANMF"
        if name == b"EXIF":
            orientation = read_orientation(data[position + 8 : position + 8 + length].removeprefix(_EXIF))
        position += 8 + length + length % 2
    raise too_many_pieces()
