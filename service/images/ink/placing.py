"""Ink of any size -> a digit placed in 28x28 as MNIST's are: fit in 20x20, centred by mass."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.domain import IMAGE_SIDE, Images

Ink = NDArray[np.float32]

_FIT_SIDE = 20
# Where the centre of mass of MNIST's own digits lies, the first pixel reaching from 0 to 1: measured 14.48 and 14.52
# down and across (400 test digits), so in the middle of pixel 14 and not between pixels 13 and 14.
_CENTRE = 14.5
# Share of white from which a pixel counts as ink when the digit is cropped.
_CROP_LEVEL = 0.1


def place(ink: Ink) -> Images:
    """One image as MNIST was made.

    Args:
        ink: float32 (height, width), shares of white in [0, 1].

    Returns:
        uint8 (28, 28); all 0 where no pixel has a tenth of white.
    """
    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    is_ink = ink >= _CROP_LEVEL
    if not is_ink.any():
        return image
    digit = _fit(ink[find_extent(is_ink)])
    top, left = (_find_offset(digit.sum(axis=axis, dtype=np.float64)) for axis in (1, 0))
    image[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return image


def find_extent(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns from the first set pixel to the last; there is one."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _fit(digit: Ink) -> Images:
    scale = _FIT_SIDE / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    picture = Image.fromarray(np.rint(digit * 255).astype(np.uint8))
    return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))


def _find_offset(profile: NDArray[np.float64]) -> int:
    """Where the profile begins in 28 pixels, so that its centre of mass is MNIST's and nothing is cut off."""
    centre = float(profile @ (np.arange(len(profile)) + 0.5)) / float(profile.sum())
    return min(max(round(_CENTRE - centre), 0), IMAGE_SIDE - len(profile))
