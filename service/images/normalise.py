"""Any grey picture of one digit -> an image as MNIST was made; knows no file format.

The way MNIST was made (LeCun et al., 1998, section III.A): the digit is scaled to fit 20x20 with its aspect
ratio kept, which makes grey edges, and placed in 28x28 so that its centre of mass is in the middle. Before it, for
pictures from paper or screen: which side is the ink, and what is background.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.domain import IMAGE_SIDE, Images

Grey = NDArray[np.uint8]

_FIT_SIDE = 20
# Larger pictures are shrunk first: the strokes of a digit that fills a part of them keep enough pixels.
_WORKING_SIDE = 560
# Ink and paper nearer than this (of 255) are noise on a blank page.
_MIN_CONTRAST = 24
# Deviations of the paper that are still paper; 1.4826 makes the median deviation a standard one.
_PAPER_DEVIATIONS = 3 * 1.4826
# Quantile of the ink that becomes white.
_INK_QUANTILE = 0.9
# Where the centre of mass of MNIST's own digits lies, the first pixel reaching from 0 to 1: measured 14.48 and 14.52
# down and across (400 test digits), so in the middle of pixel 14 and not between pixels 13 and 14.
_CENTRE = 14.5
# Share of white from which a pixel counts as ink when the digit is cropped.
_CROP_LEVEL = 0.1


def normalise(grey: Grey) -> Images:
    """Make one image as MNIST was made.

    Args:
        grey: uint8 (height, width) of any size and either polarity, a digit on rather even paper.

    Returns:
        uint8 (28, 28); all 0 where no ink is found.
    """
    ink = _extract_ink(_shrink(grey))
    rows, columns = np.flatnonzero(_has_ink(ink, axis=1)), np.flatnonzero(_has_ink(ink, axis=0))
    if not len(rows):
        return np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _centre_by_mass(_fit(digit))


def _shrink(grey: Grey) -> Grey:
    factor = -(-max(grey.shape) // _WORKING_SIDE)
    return grey if factor == 1 else np.asarray(Image.fromarray(grey).reduce(factor))


def _extract_ink(grey: Grey) -> NDArray[np.float32]:
    """Ink in [0, 1] on paper 0; the paper is the side of Otsu's threshold that has most of the border."""
    threshold = _find_threshold(grey)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if np.mean(border > threshold) > 0.5:
        grey, threshold = 255 - grey, 254 - threshold
    is_ink = grey > threshold
    paper = grey[~is_ink]
    if not is_ink.any() or not paper.size:
        return np.zeros(grey.shape, np.float32)
    level = float(np.median(paper))
    floor = level + _PAPER_DEVIATIONS * float(np.median(np.abs(paper - level)))
    white = float(np.quantile(grey[is_ink], _INK_QUANTILE))
    if white - floor < _MIN_CONTRAST:
        return np.zeros(grey.shape, np.float32)
    ink: NDArray[np.float32] = np.clip((grey - floor) / (white - floor), 0, 1).astype(np.float32)
    return ink


def _find_threshold(grey: Grey) -> int:
    """Otsu's threshold (1979): the bright class lies above it, and both classes vary least."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    dark = np.cumsum(counts)
    bright = dark[-1] - dark
    dark_sum = np.cumsum(counts * np.arange(256))
    with np.errstate(divide="ignore", invalid="ignore"):  # a class without pixels separates nothing
        distance = dark_sum / dark - (dark_sum[-1] - dark_sum) / bright
    return int(np.argmax(np.nan_to_num(dark * bright * distance**2)))


def _has_ink(ink: NDArray[np.float32], *, axis: int) -> NDArray[np.bool_]:
    return np.asarray((ink >= _CROP_LEVEL).any(axis=axis))


def _fit(digit: NDArray[np.float32]) -> Grey:
    scale = _FIT_SIDE / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    picture = Image.fromarray(np.rint(digit * 255).astype(np.uint8))
    return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))


def _centre_by_mass(digit: Grey) -> Images:
    mass = digit.astype(np.float64)
    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    top, left = (_find_offset(mass.sum(axis=axis)) for axis in (1, 0))
    image[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return image


def _find_offset(profile: NDArray[np.float64]) -> int:
    """Where the profile begins in 28 pixels, so that its centre of mass is MNIST's and nothing is cut off."""
    centre = float(profile @ (np.arange(len(profile)) + 0.5)) / float(profile.sum())
    return min(max(round(_CENTRE - centre), 0), IMAGE_SIDE - len(profile))
