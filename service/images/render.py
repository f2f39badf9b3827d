"""uint8 images -> grey PNG files."""

import math
import zlib
from functools import lru_cache
from struct import pack

import numpy as np

from service.domain import IMAGE_SIDE, Images

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Measured on 500 MNIST digits: no row filter and run-length matching give 251 bytes in 16 us; Pillow's encoder
# 267 bytes in 51 us. Every other filter makes digits larger, level 9 saves 5 % and takes three times as long.
_LEVEL, _STRATEGY = 6, zlib.Z_RLE
# Run-length matches reach back one byte, so a window of 1 KB and small tables lose nothing and are set up sooner.
_WINDOW_BITS, _MEMORY_LEVEL = 10, 5
_GAP = 1
_GAP_LEVEL = 96


def render_png(image: Images) -> bytes:
    """One uint8 image (28, 28), or any (height, width), as an 8-bit grey PNG without metadata."""
    height, width = image.shape
    rows = np.zeros((height, width + 1), np.uint8)  # the first byte of a row names its filter: 0, none
    rows[:, 1:] = image
    encoder = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, _STRATEGY)
    pixels = encoder.compress(rows.data) + encoder.flush()
    return _render_head(width, height) + _chunk(b"IDAT", pixels) + _END


def render_contact_sheet(images: Images, columns: int | None = None) -> bytes:
    """Several images on one PNG, row by row, with lines of one grey pixel between them.

    Args:
        images: uint8 (n, 28, 28), n >= 1.
        columns: Images in a row; None makes the sheet as square as it can be. Never more than n.
    """
    count = len(images)
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    lines = math.ceil(count / columns)
    cell = IMAGE_SIDE + _GAP
    cells = np.full((lines * columns, cell, cell), _GAP_LEVEL, np.uint8)
    cells[:count, :IMAGE_SIDE, :IMAGE_SIDE] = images
    sheet = cells.reshape(lines, columns, cell, cell).swapaxes(1, 2).reshape(lines * cell, columns * cell)
    return render_png(sheet[:-_GAP, :-_GAP])


@lru_cache(maxsize=64)
def _render_head(width: int, height: int) -> bytes:
    return _SIGNATURE + _chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


def _chunk(name: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + name + content + pack(">I", zlib.crc32(content, zlib.crc32(name)))


_END = _chunk(b"IEND", b"")
