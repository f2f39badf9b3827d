"""So many lines a second of each kind, and a count of those that were left out."""

import time
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

Kind = TypeVar("Kind", bound=Hashable)


class _Second:
    """What was written of one kind in one second."""

    __slots__ = ("began_s", "left_out", "written")

    def __init__(self) -> None:
        self.began_s = float("-inf")
        self.written = 0
        self.left_out = 0


class Sampler(Generic[Kind]):
    """Admits lines until a second is full, each kind in its own measure: a flood of one kind hides no other kind."""

    def __init__(self, lines_per_s: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin.

        Args:
            lines_per_s: Most lines a second of each kind.
            clock: Seconds.
        """
        self._lines_per_s = lines_per_s
        self._clock = clock
        self._seconds: dict[Kind, _Second] = {}

    def admit(self, kind: Kind) -> int | None:
        """How many lines of this kind were left out since the last, or None if this one is to be left out too.

        Args:
            kind: One of few, for they are remembered.
        """
        second = self._seconds.get(kind)
        if second is None:
            second = self._seconds[kind] = _Second()
        now_s = self._clock()
        if now_s - second.began_s >= 1:
            second.began_s, second.written = now_s, 0
        if second.written >= self._lines_per_s:
            second.left_out += 1
            return None
        second.written += 1
        left_out, second.left_out = second.left_out, 0
        return left_out

    def take_left_out(self) -> Iterator[tuple[Kind, int]]:
        """Each kind of which lines were left out since its last one, and how many; they then count as told."""
        for kind, second in self._seconds.items():
            if second.left_out:
                left_out, second.left_out = second.left_out, 0
                yield kind, left_out
