"""How fast a batcher empties its waiting room, so that whoever is refused learns when another try will do."""

import time
from collections.abc import Callable

# What one more batch leaves of the weight of those before it: about the last ten count.
_KEPT_WEIGHT = 0.9
# Before anything was measured.
_DEFAULT_WAIT_S = 1.0
# Sooner than the first another try only adds load; longer than the second the rate is not known ahead.
_LEAST_WAIT_S, _MOST_WAIT_S = 0.1, 60.0


class DrainRate:
    """Rows per second over the last batches, of the time in which at least one of them ran.

    Batches that run side by side share their time, and those that failed or were given up count too: they have left
    the queue like any other.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since_s = clock()
        self._rows = 0.0
        self._seconds = 0.0

    def resume(self) -> None:
        """Count time from here on: a batch starts, and none was running."""
        self._since_s = self._clock()

    def note_finished(self, rows: int) -> None:
        """A batch of so many rows has left the backend."""
        now_s = self._clock()
        self._rows = _KEPT_WEIGHT * self._rows + rows
        self._seconds = _KEPT_WEIGHT * self._seconds + now_s - self._since_s
        self._since_s = now_s

    def estimate_wait_s(self, rows: int) -> float:
        """Seconds until so many waiting rows have left, in [0.1, 60]; 1.0 before any batch has finished."""
        if not self._rows:
            return _DEFAULT_WAIT_S
        return min(max(rows * self._seconds / self._rows, _LEAST_WAIT_S), _MOST_WAIT_S)
