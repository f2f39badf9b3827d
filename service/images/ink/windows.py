"""Largest and smallest values within square windows, in a time that hardly depends on their size."""

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Beyond = Literal["edge", "reflect"]


def close(cells: Grey, window: int, beyond: Beyond = "edge") -> Grey:
    """Grey closing: what is dark and narrower than the window is filled with what is around; (height, width).

    Beyond its edges the picture goes on as it ends there, or is mirrored.
    """
    rows, columns = (_find_sources(side, window - 1, beyond) for side in cells.shape)
    padded = cells.take(rows, axis=0).take(columns, axis=1)
    return _slide(_slide(padded, window, np.maximum), window, np.minimum)


def widen(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """The mask with everything that is at most `reach` pixels away along either axis; (height, width)."""
    return _slide(np.pad(mask, reach), 2 * reach + 1, np.logical_or)


# A page has few sizes and windows; `np.pad` of the page itself takes longer than the windows do.
@lru_cache(maxsize=1024)
def _find_sources(side: int, reach: int, beyond: Beyond) -> NDArray[np.intp]:
    """Where each row of a page comes from that is continued by `reach` rows at both ends."""
    return np.pad(np.arange(side), reach, mode=beyond)


def _slide(cells: NDArray[Any], window: int, choose: np.ufunc) -> NDArray[Any]:
    """What is chosen from each window that lies wholly inside, by doubling: log2(window) steps an axis."""
    for _ in ("rows", "columns"):
        reach = 1
        while reach < window:
            step = min(reach, window - reach)
            cells, reach = choose(cells[:-step], cells[step:]), reach + step
        cells = cells.T
    return cells
