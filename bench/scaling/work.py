"""What the threads of a service were busy with, as its probe notes it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Work:
    """Times by the monotonic clock, in seconds.

    Attributes:
        loop: (n, 4): the event loop was busy from, until; requests that came in meanwhile, rows that came back.
        model: (n, 3): a call of the model ran from, until; its rows.
    """

    loop: Table
    model: Table

    def write(self, path: Path) -> None:
        """Write it as an npz file."""
        np.savez(path, loop=self.loop, model=self.model)

    def between(self, first_s: float, last_s: float) -> "Work":
        """What began in that time."""
        return Work(*(part[(part[:, 0] >= first_s) & (part[:, 0] < last_s)] for part in (self.loop, self.model)))


def read_work(path: Path) -> Work:
    """What a probe has written."""
    with np.load(path) as file:
        return Work(file["loop"], file["model"])
