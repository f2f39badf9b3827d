"""The canonical lines of requests, so many a second at most."""

import time
from collections.abc import Callable
from typing import Any

Log = Any  # a structlog logger: its bound methods are made at run time


class _Second:
    """What was written in one second about one kind of outcome."""

    __slots__ = ("began_s", "left_out", "written")

    def __init__(self) -> None:
        self.began_s = float("-inf")
        self.written = 0
        self.left_out = 0


class AccessLog:
    """Writes lines until a second is full, each outcome in its own measure: a flood of one kind hides no other kind.

    What was left out is counted in the next line of its kind, so that lines still add up to requests.
    """

    def __init__(
        self,
        log: Log,
        lines_per_s: int,
        note_left_out: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin.

        Args:
            log: Takes the lines.
            lines_per_s: Most lines a second for each kind of outcome.
            note_left_out: Called for each line that is not written.
            clock: Seconds.
        """
        self._log = log
        self._lines_per_s = lines_per_s
        self._note_left_out = note_left_out
        self._clock = clock
        self._seconds: dict[str | None, _Second] = {}

    def admit(self, outcome: str | None) -> int | None:
        """How many lines of this outcome were left out since the last, or None if this one is to be left out too.

        Args:
            outcome: A reason of the error table, or None for a good answer.
        """
        second = self._seconds.get(outcome)
        if second is None:
            second = self._seconds[outcome] = _Second()
        now_s = self._clock()
        if now_s - second.began_s >= 1:
            second.began_s, second.written = now_s, 0
        if second.written >= self._lines_per_s:
            second.left_out += 1
            if self._note_left_out is not None:
                self._note_left_out()
            return None
        second.written += 1
        left_out, second.left_out = second.left_out, 0
        return left_out

    def write(self, level: str, fields: dict[str, Any], failure: BaseException | None = None) -> None:
        """Write one line that was admitted.

        Args:
            level: `debug`, `info`, `warning` or `error`.
            fields: What it says.
            failure: An exception whose traceback belongs into it.
        """
        write = getattr(self._log, level)
        if failure is None:
            write("request", **fields)
        else:
            write("request", **fields, exc_info=failure)
