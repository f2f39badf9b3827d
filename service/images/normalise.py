"""Any grey picture of one digit -> an image as MNIST was made; knows no file format.

The way MNIST was made (LeCun et al., 1998, section III.A): the digit is scaled to fit 20x20 with its aspect
ratio kept, which makes grey edges, and placed in 28x28 so that its centre of mass is in the middle. Before it, for
pictures from paper or screen: which side is the ink, what is paper, and which ink is the digit's (`ink`).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.domain import IMAGE_SIDE, Images
from service.images.ink.paper import Box, Paper, find_paper
from service.images.ink.placing import find_extent, place
from service.images.ink.selection import choose_ink
from service.images.ink.windows import widen

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

# Where the ink is, is found on a page shrunk to at most so many pixels a side; what it looks like, on a crop of the
# picture: the strokes of a digit that fills a tenth of a page keep enough pixels, and the work has a bound. Crops of
# 280 keep more of the noise, and those of 160 find the ends of strokes less exactly.
_PAGE_SIDE, _CROP_SIDE = 280, 200
# Ink and paper nearer than this (of 255) are noise on a blank page.
_MIN_CONTRAST = 24
# Deviations of the paper that are still paper; 1.4826 makes the median deviation a standard one.
_PAPER_DEVIATIONS = 3 * 1.4826
# Ink that stands out from the paper by fewer deviations is noise: blank pages of noise reach 4, the faintest of 120
# digits of `bench.real_life` 14.
_INK_DEVIATIONS = 6 * 1.4826
# Quantile of the ink that becomes white.
_INK_QUANTILE = 0.9
# Grey edges of strokes reach so far beyond the threshold, in shares of the digit's longer side: MNIST's, 1.5 pixels.
_EDGE = 0.08


class _Levels(NamedTuple):
    """Contrasts, in levels of 255: up to `floor` is paper, above `threshold` is ink."""

    floor: float
    threshold: float


def normalise(grey: Grey) -> Images:
    """Make one image as MNIST was made.

    Args:
        grey: uint8 (height, width) of any size and either polarity: a digit on paper that may be unevenly lit, with
            margins, in a frame, beside the edge of a scan or on a ruled line.

    Returns:
        uint8 (28, 28); all 0 where no ink is found.
    """
    page = _shrink(grey, _PAGE_SIDE)
    paper = find_paper(page)
    contrast = paper.find_contrast(page, (0, 0, 1, 1))
    levels = _find_levels(contrast)
    chosen = None if levels is None else choose_ink(contrast > levels.threshold)
    if levels is None or chosen is None or not chosen.any():
        return np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    return place(_read_ink(grey, paper, chosen, levels))


def _shrink(grey: Grey, side: int) -> Grey:
    factor = _find_factor(grey, side)
    return grey if factor == 1 else np.asarray(Image.fromarray(grey).reduce(factor))


def _find_factor(grey: Grey, side: int) -> int:
    longer: int = max(grey.shape)
    return -(-longer // side)


def _find_levels(contrast: Floats) -> _Levels | None:
    """What is paper and what is ink on a page; None where there is no ink."""
    darker = np.maximum(contrast, 0)
    threshold = _find_threshold(darker)
    is_ink = darker > threshold
    if not is_ink.any() or is_ink.all():
        return None
    white = float(np.quantile(contrast[is_ink], _INK_QUANTILE))
    level, deviation = _measure(contrast[~is_ink])
    floor, noise = _measure(darker[~is_ink])
    floor += _PAPER_DEVIATIONS * noise
    is_noise = white - floor < _MIN_CONTRAST or white - level < _INK_DEVIATIONS * deviation
    return None if is_noise else _Levels(floor, threshold)


def _measure(levels: Floats) -> tuple[float, float]:
    """Median, and median deviation from it."""
    median = float(np.median(levels))
    return median, float(np.median(np.abs(levels - median)))


def _find_threshold(contrast: Floats) -> float:
    """Otsu's threshold (1979): ink lies above it, and both classes vary least."""
    counts = np.bincount(np.rint(contrast).astype(np.uint8).ravel(), minlength=256).astype(np.float64)
    low = np.cumsum(counts)
    high = low[-1] - low
    low_sum = np.cumsum(counts * np.arange(256))
    with np.errstate(divide="ignore", invalid="ignore"):  # a class without pixels separates nothing
        distance = low_sum / low - (low_sum[-1] - low_sum) / high
    return int(np.argmax(np.nan_to_num(low * high * distance**2))) + 0.5


def _read_ink(grey: Grey, paper: Paper, chosen: Mask, levels: _Levels) -> Floats:
    """Ink of the chosen parts and their grey edges in [0, 1], from a crop of the picture in all its resolution."""
    rows, columns = find_extent(chosen)
    reach = max(2, round(_EDGE * max(rows.stop - rows.start, columns.stop - columns.start)))
    grown = widen(chosen, reach)
    crop, box = _crop(grey, *find_extent(grown))
    contrast = paper.find_contrast(crop, box)
    share = _stretch(grown, crop.shape, box)
    strong = contrast[(contrast > levels.threshold) & (share > 0.5)]
    white = float(np.quantile(strong, _INK_QUANTILE)) if strong.size else 255.0
    ink: Floats = np.clip((contrast - levels.floor) / max(white - levels.floor, 1), 0, 1) * share
    return ink


def _crop(grey: Grey, rows: slice, columns: slice) -> tuple[Grey, Box]:
    """A part of a picture, given in rows and columns of the shrunk one, and which part that is."""
    factor = _find_factor(grey, _PAGE_SIDE)
    crop = grey[rows.start * factor : rows.stop * factor, columns.start * factor : columns.stop * factor]
    height, width = grey.shape
    left, top = columns.start * factor / width, rows.start * factor / height
    return _shrink(crop, _CROP_SIDE), (left, top, left + crop.shape[1] / width, top + crop.shape[0] / height)


def _stretch(mask: Mask, shape: tuple[int, ...], box: Box) -> Floats:
    """A part of the mask in another resolution, with soft edges, float32 in [0, 1]."""
    height, width = mask.shape
    part_of_it = (box[0] * width, box[1] * height, min(box[2], 1) * width, min(box[3], 1) * height)
    picture = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
    part = picture.resize((shape[1], shape[0]), Image.Resampling.BILINEAR, box=part_of_it)
    return np.asarray(part, np.float32) / np.float32(255)
