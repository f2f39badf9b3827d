"""Which side the ink is on, and how much each pixel differs from the paper around it; knows nothing of shapes.

Uneven light, folds, vignettes and gradients are paper; so is what is broad and dark, like the edge of a scan.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from service.images.ink.windows import close

Grey = NDArray[np.uint8]
Box = tuple[float, float, float, float]

# The paper is found on a page of this many cells a side: strokes are a few cells thick, shadows are dozens wide.
_CELLS = 64
# Sides of windows, in cells, from a thin stroke on a wide page to a thick one in a tight crop. Wider ones take the page
# between a digit and a dark frame for bright ink.
_STROKE_WINDOWS = (3, 5, 9, 13)
# Rows so near to the edge, as a share of all, are left out up to a change of this share of the darkest to brightest.
_TRIMMED, _JUMP = 0.15, 0.25
# Whatever is narrower than this is no paper: half of the page.
_PAPER_WINDOW = 33
_SMOOTHING = ImageFilter.BoxBlur(4)


class Paper(NamedTuple):
    """The page without its ink.

    Attributes:
        is_inverted: True where ink is brighter than paper: then levels are those of the inverted picture.
        levels: The paper around each cell, uint8, at most 64 cells a side; ink is darker.
    """

    is_inverted: bool
    levels: Image.Image

    def find_contrast(self, grey: Grey, box: Box) -> NDArray[np.float32]:
        """Levels by which each pixel is inked, float32 of the shape of `grey`; below 0 where it is paler than paper.

        Args:
            grey: A part of the page, in any resolution.
            box: Which part: left, top, right and bottom as shares of the page in [0, 1].
        """
        columns, rows = self.levels.size
        place = (box[0] * columns, box[1] * rows, min(box[2], 1) * columns, min(box[3], 1) * rows)
        levels = self.levels.resize(grey.shape[::-1], Image.Resampling.BILINEAR, box=place)
        ink = grey if self.is_inverted else 255 - grey
        return ink.astype(np.float32) - (255 - np.asarray(levels, np.float32))


def find_paper(page: Grey) -> Paper:
    """The paper of a page, and which side of it the ink is on.

    Args:
        page: uint8 (height, width), the whole picture, shrunk or not.
    """
    cells = np.asarray(_cut_into_cells(page).filter(ImageFilter.MedianFilter(3)))
    is_inverted = _has_bright_ink(_trim(_trim(cells).T))
    levels = close(_mend_edges(255 - cells if is_inverted else cells), _PAPER_WINDOW)
    return Paper(is_inverted, Image.fromarray(levels).filter(_SMOOTHING))


def _cut_into_cells(page: Grey) -> Image.Image:
    """The page with 64 cells along its longer side, however large it is."""
    scale = _CELLS / max(page.shape)
    height, width = (max(1, round(side * scale)) for side in page.shape)
    resampling = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    return Image.fromarray(page).resize((width, height), resampling)


def _has_bright_ink(cells: Grey) -> bool:
    """Strokes are thinner than the paper between and around them, so they fill at smaller windows."""
    dark = sum(_sum_filled(cells, window) for window in _STROKE_WINDOWS)
    bright = sum(_sum_filled(255 - cells, window) for window in _STROKE_WINDOWS)
    return bright > dark


def _sum_filled(cells: Grey, window: int) -> int:
    return int((close(cells, window) - cells).sum(dtype=np.int64))


def _mend_edges(cells: Grey) -> Grey:
    """The cells with ink that runs off the page filled along the page's edges: beyond them it would have no end."""
    mended = cells.copy()
    for turned in (mended, mended.T):
        for index in (0, -1):
            turned[index] = close(turned[index][np.newaxis], _PAPER_WINDOW, beyond="reflect")
    return mended


def _trim(cells: Grey) -> Grey:
    """The cells without the rows above and below a sudden change near to the edge: the end of the paper, or a frame.

    What is left decides only on which side the ink is.
    """
    levels = np.median(cells, axis=1)
    margin = int(_TRIMMED * len(levels))
    jumps = np.abs(np.diff(levels)) > _JUMP * np.ptp(cells)
    top = int(np.flatnonzero(jumps[:margin]).max(initial=-1)) + 1
    bottom = int(np.flatnonzero(jumps[::-1][:margin]).max(initial=-1)) + 1
    return cells[top : len(levels) - bottom]
