"""Ruled lines and boxes of a form, and how they are taken out of a mask without cutting the strokes that cross them."""

import numpy as np
from numpy.typing import NDArray

from service.images.ink.parts import find_runs

Mask = NDArray[np.bool_]

# Shares of the page: a line is at least so long, and at most so thick. Strokes of a digit that fills half of the page
# are thicker.
_MIN_LENGTH = 0.5
_MAX_THICKNESS = 0.03
# So far above and below a pixel a line may go on.
_LEAN = 0.01
# A line that ends so near to the edge of the page, in shares of it, goes on beyond.
_EDGE = 0.03


def strip_lines(mask: Mask) -> Mask:
    """The mask without ruled lines: those that run off the page, and those that make a box of four sides.

    A bar of a digit, as in a 7, does neither. Where a stroke crosses a line the line stays.
    """
    across, down = _find_lines(mask), _find_lines(mask.T).T
    if not across.any() and not down.any():
        return mask
    sides = [_count_bands(np.asarray(lines.any(axis=axis))) for axis, lines in ((1, across), (0, down))]
    if min(sides) < 2:
        across, down = _keep_those_off_the_page(across), _keep_those_off_the_page(down.T).T
    return mask & ~across & ~down


def _find_lines(mask: Mask) -> Mask:
    """Pixels of long thin horizontal lines, a little aslant or not."""
    height, width = mask.shape
    runs = find_runs(_thicken(mask))
    long_runs = runs[runs[:, 2] - runs[:, 1] >= _MIN_LENGTH * width]
    lines = np.zeros_like(mask)
    if not len(long_runs):
        return lines
    for row, start, end in long_runs:
        lines[row, start:end] = True
    return np.asarray(mask & lines & (_measure_thickness(mask) <= _MAX_THICKNESS * height))


def _thicken(mask: Mask) -> Mask:
    """Each pixel with those above and below: a line that leaves its row stays whole."""
    reach = max(1, round(_LEAN * mask.shape[0]))
    sums = np.cumsum(np.pad(mask, ((reach + 1, reach), (0, 0))), axis=0, dtype=np.int32)
    return sums[2 * reach + 1 :] > sums[: -2 * reach - 1]


def _measure_thickness(mask: Mask) -> NDArray[np.intp]:
    """How long the vertical run is that each set pixel belongs to; 0 where none is set."""
    runs = find_runs(mask.T)
    columns, starts, ends = runs.T
    steps = np.zeros((mask.shape[1], mask.shape[0] + 1), np.intp)
    steps[columns, starts] = ends - starts
    steps[columns, ends] -= ends - starts
    return np.cumsum(steps, axis=1)[:, :-1].T


def _count_bands(flags: Mask) -> int:
    """How many groups of neighbours are set."""
    return int(np.count_nonzero(np.diff(flags.astype(np.int8), prepend=0) == 1))


def _keep_those_off_the_page(lines: Mask) -> Mask:
    """Of horizontal lines the pixels of those that reach an edge of the page."""
    edge = max(1, round(_EDGE * lines.shape[1]))
    touching = lines[:, :edge].any(axis=1) | lines[:, -edge:].any(axis=1)
    # An aslant line takes several rows, of which only one touches.
    groups = np.cumsum(np.diff(lines.any(axis=1).astype(np.int8), prepend=0) == 1)
    kept = np.isin(groups, groups[touching & lines.any(axis=1)])
    return lines & kept[:, np.newaxis]
