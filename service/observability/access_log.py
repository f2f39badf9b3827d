"""The canonical lines of requests, so many a second at most."""

import time
from collections.abc import Callable
from typing import Any

from service.observability.sampling import Sampler

Log = Any  # a structlog logger: its bound methods are made at run time


class AccessLog:
    """Writes lines, and leaves out what is too much of one kind.

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
        self._sampler = Sampler(lines_per_s, clock)
        self._note_left_out = note_left_out

    def admit(self, outcome: str | None) -> int | None:
        """How many lines of this outcome were left out since the last, or None if this one is to be left out too.

        Args:
            outcome: A reason of the error table, or None for a good answer.
        """
        left_out = self._sampler.admit(outcome)
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
