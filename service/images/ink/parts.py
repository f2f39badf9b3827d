"""Inked pixels that hang together; knows nothing of digits."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Integers = NDArray[np.intp]


class Parts(NamedTuple):
    """Connected parts of a mask, each entry one part; pixels hang together along sides and corners.

    Attributes:
        areas: Pixels of each, (n,).
        boxes: Top, left, bottom and right of each, the last two exclusive, (n, 4).
        runs: Row, first column and last column (exclusive) of each horizontal run, (m, 3).
        owners: The part of each run, (m,).
    """

    areas: Integers
    boxes: Integers
    runs: Integers
    owners: Integers

    def draw(self, chosen: Mask, shape: tuple[int, int]) -> Mask:
        """The mask of the chosen parts: bool (n,) -> bool (height, width)."""
        edges = np.zeros((shape[0], shape[1] + 1), np.int8)
        rows, starts, ends = self.runs[chosen[self.owners]].T
        edges[rows, starts] = 1
        edges[rows, ends] -= 1  # where one run ends no other begins
        return np.cumsum(edges, axis=1, dtype=np.int8)[:, :-1].astype(bool)

    def measure_within(self, boxes: Integers) -> Integers:
        """How many pixels of each part lie in a box, top, left, bottom, right, of its own: (n, 4) -> (n,)."""
        top, left, bottom, right = boxes[self.owners].T
        rows, starts, ends = self.runs.T
        lengths = np.minimum(ends, right) - np.maximum(starts, left)
        lengths[(rows < top) | (rows >= bottom)] = 0
        return np.bincount(self.owners, np.maximum(lengths, 0), len(boxes)).astype(np.intp)


def find_parts(mask: Mask) -> Parts:
    """The parts of a mask, bool (height, width)."""
    runs = find_runs(mask)
    owners = _name_owners(_join(len(runs), *_find_contacts(runs, mask.shape[1])))
    count = int(owners.max()) + 1 if len(owners) else 0
    rows, starts, ends = runs.T
    boxes = np.empty((count, 4), np.intp)
    for column, (values, choose, start) in enumerate(
        [
            (rows, np.minimum, mask.shape[0]),
            (starts, np.minimum, mask.shape[1]),
            (rows + 1, np.maximum, 0),
            (ends, np.maximum, 0),
        ]
    ):
        boxes[:, column] = start
        choose.at(boxes[:, column], owners, values)
    areas = np.bincount(owners, ends - starts, count).astype(np.intp)
    return Parts(areas, boxes, runs, owners)


def find_runs(mask: Mask) -> Integers:
    """Horizontal runs of set pixels, by row and column: row, first column, last column (exclusive), (m, 3)."""
    height, width = mask.shape
    stride = width + 1  # the gap after each row ends its last run
    cells = np.zeros(height * stride + 1, np.bool_)
    cells[1:].reshape(height, stride)[:, :-1] = mask
    changes = np.flatnonzero(cells[1:] != cells[:-1])
    rows, starts = np.divmod(changes[::2], stride)
    return np.stack([rows, starts, changes[1::2] - rows * stride], axis=1)


def _find_contacts(runs: Integers, width: int) -> tuple[Integers, Integers]:
    """Pairs of runs in neighbouring rows that touch, if only by a corner."""
    rows, starts, ends = runs.T
    stride = width + 2  # so that the end of one row stays below the start of the next
    first = np.searchsorted(rows * stride + ends, (rows + 1) * stride + starts, "left")
    beyond = np.searchsorted(rows * stride + starts, (rows + 1) * stride + ends, "right")
    counts = np.maximum(beyond - first, 0)
    above = np.repeat(np.arange(len(runs)), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return above, np.repeat(first, counts) + place


def _join(count: int, above: Integers, below: Integers) -> Integers:
    """The smallest run that each run hangs together with: both ends of a contact follow the smaller root."""
    roots = np.arange(count)
    while True:
        lower, higher = np.minimum(roots[above], roots[below]), np.maximum(roots[above], roots[below])
        if np.array_equal(lower, higher):
            return roots
        np.minimum.at(roots, higher, lower)
        while not np.array_equal(roots, flat := roots[roots]):
            roots = flat


def _name_owners(roots: Integers) -> Integers:
    """Roots as consecutive numbers."""
    return np.unique(roots, return_inverse=True)[1].reshape(-1)
