"""Largest and smallest values within square windows, in a time that hardly depends on their size."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


def close(cells: Grey, window: int, beyond: Literal["edge", "reflect"] = "edge") -> Grey:
    """Grey closing: what is dark and narrower than the window is filled with what is around; (height, width).

    Beyond its edges the picture goes on as it ends there, or is mirrored.
    """
    padded = np.pad(cells, window - 1, mode=beyond)
    return _slide(_slide(padded, window, np.maximum), window, np.minimum)


def widen(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """The mask with everything that is at most `reach` pixels away along either axis; (height, width)."""
    return _slide(np.pad(mask, reach), 2 * reach + 1, np.logical_or)


def _slide(cells: NDArray[Any], window: int, choose: np.ufunc) -> NDArray[Any]:
    """What is chosen from each window that lies wholly inside, by doubling: log2(window) steps an axis."""
    for _ in ("rows", "columns"):
        reach = 1
        while reach < window:
            step = min(reach, window - reach)
            cells, reach = choose(cells[:-step], cells[step:]), reach + step
        cells = cells.T
    return cells
