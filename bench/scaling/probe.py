"""`python -m bench.scaling.probe FILE ...`: runs the service, and writes to FILE what its threads did.

Noted is work alone, by the clock that all processes share: how long the event loop was busy without a pause and what
it took in meanwhile, how long a call of the model took and how many rows it had. What a caller waited for is not.
"""

import asyncio
import runpy
import sys
import time
from array import array
from pathlib import Path
from typing import Any

import numpy as np

from bench.scaling.work import Work
from service.backends.embedded import runner
from service.servers.connection import Connection

# From its bytes to its batch a request passes the loop's ready queue so often: its task, the batcher's look, the
# batch's task, the end.
_ROUNDS = 4


class LoopProbe:
    """Notes when the event loop was busy: from the first event until nothing is left to do."""

    def __init__(self) -> None:
        self.records = array("d")
        self._requests = self._rows = self._rounds = 0
        self._began_s = 0.0

    def note(self, requests: int, rows: int) -> None:
        """Requests came in, or rows came back from the model."""
        if not self._rounds:
            self._began_s = time.monotonic()
            self._look_later()
        self._requests += requests
        self._rows += rows
        self._rounds = _ROUNDS

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._rounds -= 1
        if self._rounds:
            self._look_later()
            return
        self.records.extend((self._began_s, time.monotonic(), self._requests, self._rows))
        self._requests = self._rows = 0


class ModelProbe:
    """Notes when calls of the model began and ended, and their rows."""

    def __init__(self) -> None:
        self.records = array("d")

    def note(self, began_s: float, rows: int) -> None:
        """One has ended."""
        self.records.extend((began_s, time.monotonic(), rows))


def install(loop: LoopProbe, model: ModelProbe) -> None:
    """Let the service's own connections and model threads tell of their work."""
    receive, do, finish = Connection.data_received, runner._Job.do, runner._Job._finish  # noqa: SLF001 - nothing public is as near

    def note_bytes(self: Connection, data: bytes) -> None:
        loop.note(1, 0)
        receive(self, data)

    def note_call(self: Any) -> None:
        rows, began_s = _count_rows(self), time.monotonic()
        do(self)
        model.note(began_s, rows)

    def note_end(self: Any, result: Any, failure: BaseException | None) -> None:
        loop.note(0, _count_rows(self))
        finish(self, result, failure)

    Connection.data_received = note_bytes  # type: ignore[method-assign]
    runner._Job.do = note_call  # type: ignore[method-assign]  # noqa: SLF001 - as above
    runner._Job._finish = note_end  # type: ignore[method-assign]  # noqa: SLF001 - as above


def _count_rows(job: Any) -> int:
    """Rows of a call of the model; 0 of other work in its threads."""
    arguments = job._arguments  # noqa: SLF001 - as in `install`
    return len(arguments[-1]) if len(arguments) == 3 else 0


def main() -> None:
    """Run the service until it is told to stop, then write."""
    loop, model = LoopProbe(), ModelProbe()
    install(loop, model)
    target = Path(sys.argv[1])
    sys.argv = ["service", *sys.argv[2:]]
    try:
        runpy.run_module("service", run_name="__main__")
    finally:
        Work(np.array(loop.records).reshape(-1, 4), np.array(model.records).reshape(-1, 3)).write(target)


if __name__ == "__main__":
    main()
