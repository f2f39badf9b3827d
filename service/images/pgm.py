"""PGM, binary and plain. Pillow's readers for it are Python loops, quadratic in comments; these are linear."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.errors import InvalidImageError, PayloadTooLargeError
from service.images.header import FileHeader

MAGIC = re.compile(rb"P[25][\s#]")

_GAP = rb"(?:\s|#[^\r\n]*+[\r\n])++"
_HEADER = re.compile(rb"P([25])" + (_GAP + rb"(\d{1,9})") * 3 + rb"\s")
_NUMBERS = re.compile(rb"[\d\s]*+")
_MAX_LEVEL = 65535
_MAX_LEVEL_DIGITS = 5
# A plain file makes a Python object of each pixel.
_MAX_PLAIN_PIXELS = 1 << 20
_MORE_OR_FEWER = ("fewer", "more")

_Levels = NDArray[np.unsignedinteger[Any]]
_Reader = Callable[[bytes, int, int], _Levels]


def read_header(data: bytes) -> FileHeader:
    """Read kind, size and white level.

    Raises:
        InvalidImageError: If the header cannot be read, or the white level is not in 1..65535.
        PayloadTooLargeError: If a plain file has more than 2**20 pixels.
    """
    match = _HEADER.match(data)
    if match is None:
        raise InvalidImageError("the PGM header is damaged, expected width, height and white level after P2 or P5")
    kind, width, height, white = map(int, match.groups())
    if not 0 < white <= _MAX_LEVEL:
        raise InvalidImageError(f"the PGM file has the white level {white}, expected 1..{_MAX_LEVEL}")
    if kind == 2 and width * height > _MAX_PLAIN_PIXELS:
        raise PayloadTooLargeError(
            f"a plain PGM file of {width}x{height} pixels, the limit is {_MAX_PLAIN_PIXELS} pixels"
        )
    read = _read_plain if kind == 2 else _read_binary
    return FileHeader(width, height, partial(_decode, read, data[match.end() :], (width, height), white))


def _decode(read: _Reader, raster: bytes, size: tuple[int, int], white: int) -> Image.Image:
    levels = read(raster, size[0] * size[1], white)
    if levels.max() > white:
        raise InvalidImageError(f"the PGM file has a pixel of {levels.max()}, its white level is {white}")
    scaled = (levels.astype(np.uint32) * 255 + white // 2) // white
    return Image.fromarray(scaled.astype(np.uint8).reshape(size[1], size[0]))


def _read_binary(raster: bytes, pixels: int, white: int) -> _Levels:
    dtype = np.dtype("u1" if white < 256 else ">u2")
    expected = pixels * dtype.itemsize
    if len(raster) < expected or raster[expected:].strip():
        raise InvalidImageError(f"the PGM file has {len(raster)} bytes of pixels, its header says {expected}")
    return np.frombuffer(raster, dtype, pixels)


def _read_plain(raster: bytes, pixels: int, white: int) -> _Levels:
    if not _NUMBERS.fullmatch(raster):
        raise InvalidImageError("the plain PGM file holds something else than numbers")
    numbers = raster.split(None, pixels)
    if len(numbers) != pixels:
        raise InvalidImageError(f"the plain PGM file has {_MORE_OR_FEWER[len(numbers) > pixels]} than {pixels} pixels")
    if max(map(len, numbers)) > _MAX_LEVEL_DIGITS:
        raise InvalidImageError(f"the PGM file has a number of more than 5 digits, its white level is {white}")
    return np.array(list(map(int, numbers)), np.uint32)
