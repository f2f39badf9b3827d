"""The canonical lines of requests, so many a second at most."""

import time
from collections.abc import Callable
from typing import Any

from service.observability.logs import LEVELS
from service.observability.sampling import Sampler

Log = Any  # a structlog logger: its bound methods are made at run time


class AccessLog:
    """Writes lines, and leaves out what is too much of one kind.

    What was left out is counted in the next line of its kind, or at the end in one of its own, so that lines add up to
    requests. A line that is softer than the log wants is none: it is not counted either.
    """

    def __init__(
        self,
        log: Log,
        lines_per_s: int,
        note_left_out: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        least_level: str = "debug",
    ) -> None:
        """Begin.

        Args:
            log: Takes the lines.
            lines_per_s: Most lines a second for each kind of outcome.
            note_left_out: Called for each line that is not written.
            clock: Seconds.
            least_level: The softest level that the log writes: `debug`, `info`, `warning` or `error`.
        """
        self._log = log
        self._sampler: Sampler[tuple[str, str | None]] = Sampler(lines_per_s, clock)
        self._note_left_out = note_left_out
        self._least_level = LEVELS[least_level]

    def admit(self, level: str, outcome: str | None) -> int | None:
        """How many lines of this outcome were left out since the last, or None if this one is not to be written.

        Args:
            level: Of the line: `debug`, `info`, `warning` or `error`.
            outcome: A reason of the error table, or None for a good answer.
        """
        if LEVELS[level] < self._least_level:
            return None
        left_out = self._sampler.admit((level, outcome))
        if left_out is None and self._note_left_out is not None:
            self._note_left_out()
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

    def close(self) -> None:
        """Tell of what was left out since the last line of each outcome; no request is under way any more."""
        for (level, outcome), left_out in self._sampler.take_left_out():
            getattr(self._log, level)("request_lines_left_out", reason=outcome, left_out=left_out)
