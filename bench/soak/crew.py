"""The processes that call the service, seen from the one that leads them."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import cast

from bench.soak.caller import CallerPlan, Phase, run_caller
from bench.soak.tally import Tally

# Beyond the length of a phase: the answers to its last requests, on a machine that is short of processors.
_LATE_S = 60.0
_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 10.0


class CrewFailedError(Exception):
    """A process of the load ended, or did not end in time."""


class Crew:
    """Calls the service from several processes at once."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        """Lead the processes at the other ends of the pipes."""
        self._pipes = pipes
        self._busy = set(pipes)

    def wait_until_prepared(self) -> None:
        """Return once every process has written its requests.

        Raises:
            CrewFailedError: If one does not within a minute.
        """
        end_s = time.monotonic() + _START_LIMIT_S
        while self._busy:
            self._collect(end_s)
            if time.monotonic() > end_s:
                raise CrewFailedError(f"the load was not prepared after {_START_LIMIT_S:.0f} s")

    def run(self, phase: Phase, interval_s: float = 1.0) -> Iterator[Tally]:
        """Run a phase in every process; yields what was seen, about every second until all have ended.

        Raises:
            CrewFailedError: If a process ends, or a minute after the phase is not through.
        """
        for pipe in self._pipes:
            pipe.send(phase)
        self._busy = set(self._pipes)
        next_s = time.monotonic()
        end_s = next_s + phase.seconds + _LATE_S
        while self._busy:
            next_s += interval_s
            yield self._collect(next_s)
            if time.monotonic() > end_s:
                raise CrewFailedError(f"the load has not ended {_LATE_S:.0f} s after its time")

    def _collect(self, until_s: float) -> Tally:
        """What comes until then, or until all processes are through."""
        tally = Tally()
        while self._busy and (left_s := until_s - time.monotonic()) > 0:
            for pipe in cast("list[Connection]", wait(list(self._busy), left_s)):
                try:
                    message = pipe.recv()
                except EOFError as error:
                    raise CrewFailedError("a process of the load has ended") from error
                if message is None:
                    self._busy.discard(pipe)
                else:
                    tally.add(message)
        return tally


@contextmanager
def calling_crew(plans: Sequence[CallerPlan]) -> Iterator[Crew]:
    """A crew with one process for each plan, prepared; they end with the block."""
    # Not forked: gRPC does not survive that.
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    processes: list[BaseProcess] = []
    for plan in plans:
        ours, theirs = context.Pipe()
        process = context.Process(target=run_caller, args=(plan, theirs), daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        crew = Crew(pipes)
        crew.wait_until_prepared()
        yield crew
    finally:
        _dismiss(pipes, processes)


def _dismiss(pipes: Sequence[Connection], processes: Sequence[BaseProcess]) -> None:
    for pipe, process in zip(pipes, processes, strict=True):
        if process.is_alive():
            pipe.send(None)
        process.join(_STOP_LIMIT_S)
        if process.is_alive():
            process.kill()
            process.join()
        pipe.close()
