"""A decoded picture of any mode -> grey rows; knows no file format.

Luma is ITU-R 601 (Pillow's own rule: 0.299 R + 0.587 G + 0.114 B). 16-bit grey is scaled, where Pillow clips it.
32-bit integers and floats follow the rule of arrays: integers 0..255, floats 0..1.
"""

from collections.abc import Callable, Mapping
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.errors import InvalidImageError
from service.images.arrays import scale_pixels
from service.images.header import guard

Grey = NDArray[np.uint8]


class Paper(Enum):
    """What lies behind transparent pixels: the background 0, or the opposite of the ink."""

    BLACK = "black"
    OPPOSITE = "opposite"


_COLOURS = {"1", "P", "RGB", "RGBX", "CMYK", "YCbCr"}
_NUMBERS = {"I", "F"}

# A drawing with transparent parts whose brightest pixel stays below this over black was dark ink: it would vanish.
_MIN_VISIBLE_INK = 64

# Exif orientation -> how the stored rows become upright.
_UPRIGHT: Mapping[int, Callable[[Grey], Grey]] = {
    2: np.fliplr,
    3: lambda grey: np.rot90(grey, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda grey: np.rot90(grey, -1),
    7: lambda grey: np.rot90(grey, 2).T,
    8: np.rot90,
}


def read_grey(picture: Image.Image, orientation: int, paper: Paper) -> Grey:
    """Grey rows of a picture, turned upright.

    Returns:
        uint8 (height, width), contiguous.

    Raises:
        InvalidImageError: If the mode has no agreed grey, a 32-bit or float pixel is out of range, or transparent
            parts laid over black hide the ink.
    """
    grey = _read_mode(picture, paper)
    turn = _UPRIGHT.get(orientation)
    return grey if turn is None else np.ascontiguousarray(turn(grey))


def _read_mode(picture: Image.Image, paper: Paper) -> Grey:
    mode = picture.mode
    if mode.startswith("I;16"):
        return _read_wide(picture)
    if mode == "L" and "transparency" not in picture.info:
        return _to_rows(picture)
    if picture.has_transparency_data:
        return _read_transparent(picture, paper)
    if mode in _COLOURS:
        return _to_rows(guard(lambda: picture.convert("L")))
    if mode in _NUMBERS:
        return scale_pixels(np.asarray(picture))
    raise InvalidImageError(f"got an image of mode {mode}, which has no agreed grey; expected grey, palette, RGB, CMYK")


def _to_rows(picture: Image.Image) -> Grey:
    # The buffer of `tobytes` is read-only, which is right for a value that travels; half the time of np.asarray.
    return np.frombuffer(picture.tobytes(), np.uint8).reshape(picture.height, picture.width)


def _read_wide(picture: Image.Image) -> Grey:
    if "transparency" in picture.info:
        raise InvalidImageError("got a 16-bit grey image with a transparent level, expected one without")
    levels = np.asarray(picture).astype(np.uint32)
    return ((levels + 128) // 257).astype(np.uint8)


def _read_transparent(picture: Image.Image, paper: Paper) -> Grey:
    colours = guard(lambda: picture.convert("RGBA"))
    luma, alpha = _to_rows(colours.convert("L")), _to_rows(colours.getchannel("A"))
    background = _choose_background(luma, alpha) if paper is Paper.OPPOSITE else 0
    weight = alpha.astype(np.uint16)  # wide enough: 255 * 255 + 127 is below 2**16
    grey = ((luma * weight + background * (255 - weight) + 127) // 255).astype(np.uint8)
    if paper is Paper.BLACK and alpha.min() < alpha.max() and grey.max() < _MIN_VISIBLE_INK:
        raise InvalidImageError(
            f"over the background 0 the drawing is nowhere brighter than {grey.max()} of 255: "
            "got dark ink on transparent paper, expected bright ink; preprocess=mnist takes both"
        )
    return grey


def _choose_background(luma: Grey, alpha: Grey) -> int:
    """White behind dark ink, black behind bright ink."""
    ink = int(np.multiply(luma, alpha, dtype=np.uint16).sum(dtype=np.uint64))
    return 255 if 2 * ink < 255 * int(alpha.sum(dtype=np.uint64)) else 0
