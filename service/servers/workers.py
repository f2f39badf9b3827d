"""Keeps worker processes running until the operator's signal; knows nothing of what they do."""

import asyncio
import signal
from asyncio.subprocess import Process
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from service.servers.lifeline import OPEN, READY, WorkerLine
from service.servers.until_signal import STOP_SIGNALS

_log = structlog.get_logger()

LEAVE = signal.SIGUSR1
"""What tells a worker to stop. Not SIGTERM: systemd and terminals send that to the workers as well as to the first
process, and a second one would end them at once."""

CANNOT_START = 2
"""Exit status of a worker that cannot work as it is configured; it has said why on standard error."""

_FAILED = 1


@dataclass(frozen=True, slots=True)
class Birth:
    """One start of one worker.

    Attributes:
        number: Its place among the workers, from 1; it comes back when the worker is replaced.
        lifeline: Descriptor for the process to inherit, for `service.servers.lifeline.Lifeline`.
        is_first: No worker has been ready yet.
        is_replacement: Another one had this place.
    """

    number: int
    lifeline: int
    is_first: bool
    is_replacement: bool


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a supervisor is with workers that die.

    Attributes:
        steady_s: Who lived so long did not die of its start.
        pause_s: Seconds before one that did is replaced; doubled each time in a row.
        max_early_deaths: After so many in a row in one place the supervisor gives up.
        max_pause_s: The pause grows no longer than that, in seconds.
        leave_s: Seconds that workers have to leave after they were told to; then they are killed.
    """

    steady_s: float = 10.0
    pause_s: float = 0.5
    max_early_deaths: int = 5
    max_pause_s: float = 10.0
    leave_s: float = 60.0

    def find_pause_s(self, times: int) -> float:
        """Seconds before the next start after so many failed ones in a row."""
        doublings = min(times, 32) - 1  # a file can stay broken for so long that the number would be too large
        return min(self.pause_s * 2**doublings, self.max_pause_s) if times else 0.0


class Employer(Protocol):
    """Knows what the workers do."""

    async def launch(self, birth: Birth) -> Process:
        """Start a process.

        Raises:
            OSError: If the system cannot.
        """

    def note_open(self) -> None:
        """The first worker has opened its doors."""

    def note_end(self, number: int) -> None:
        """A worker has ended."""

    def note_stop(self) -> None:
        """No worker is started any more, and those that live are told to leave."""


@dataclass(frozen=True, slots=True)
class _Life:
    """How a worker's life went: its exit status, None if it could not be started; its length; whether doors opened."""

    status: int | None
    seconds: float
    was_open: bool

    def was_told(self) -> bool:
        """Whether a stop explains its end: it drained, or had not begun to answer."""
        return self.status == 0 or (not self.was_open and self.status in {-LEAVE, *(-each for each in STOP_SIGNALS)})


class _Record:
    """The ends of a place's workers that came in a row."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._refusals = 0
        self.deaths = 0

    def note(self, life: _Life, *, is_refusal: bool) -> None:
        """Count an end. A refusal to start is no death: it lasts until somebody repairs what is wrong."""
        self._refusals = self._refusals + 1 if is_refusal else 0
        if not is_refusal:
            self.deaths = self.deaths + 1 if life.seconds < self._pace.steady_s else 0

    def find_pause_s(self) -> float:
        """Seconds before the next start."""
        return self._pace.find_pause_s(self._refusals or self.deaths)


class Supervisor:
    """Keeps so many workers running. The others are started when the first one is ready."""

    def __init__(self, employer: Employer, count: int, pace: Pace | None = None) -> None:
        """Prepare to start workers."""
        self._employer = employer
        self._count = count
        self._pace = pace or Pace()
        self._living: dict[int, Process] = {}
        self._has_opened = False
        self._is_ready = False
        self._stopping = asyncio.Event()
        self._others_may_start = asyncio.Event()
        self._status = 0
        self._killing: asyncio.TimerHandle | None = None

    async def run(self) -> int:
        """Keep the workers running until SIGTERM or SIGINT; return once all have ended.

        Every further signal is told to the workers too.

        Returns:
            0 if all drained; 2 if no worker could start as configured; 1 if workers kept dying at their start, or one
            died on its way out, or had to be killed as it did not leave.
        """
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            await asyncio.gather(*(self._keep(number) for number in range(1, self._count + 1)))
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)
            if self._killing is not None:
                self._killing.cancel()
        return self._status

    def stop(self) -> None:
        """Tell the workers to leave; what a signal does."""
        if not self._stopping.is_set():
            self._employer.note_stop()
            self._killing = asyncio.get_running_loop().call_later(self._pace.leave_s, self._kill)
        self._stopping.set()
        self._others_may_start.set()
        for process in self._living.values():
            _tell_to_leave(process)

    def _kill(self) -> None:
        """End the workers that hang: a stop has its end."""
        for process in self._living.values():
            with suppress(ProcessLookupError):  # it has just ended
                process.kill()

    async def _keep(self, number: int) -> None:
        """Keep one place filled."""
        if number > 1:
            await self._others_may_start.wait()
        record, starts = _Record(self._pace), 0
        while not self._stopping.is_set():
            life = await self._live(number, is_replacement=starts > 0)
            starts += 1
            if self._stopping.is_set():
                self._judge_leaving(number, life)
                return
            _report(number, life)
            if life.status == CANNOT_START and not self._has_opened:
                self._give_up(CANNOT_START)
                return
            record.note(life, is_refusal=life.status == CANNOT_START)
            if record.deaths == self._pace.max_early_deaths:
                _log.error("workers_keep_dying", worker=number, in_a_row=record.deaths)
                self._give_up(_FAILED)
            else:
                await self._rest(record.find_pause_s())

    async def _live(self, number: int, *, is_replacement: bool) -> _Life:
        """Start a worker, and return when it has ended."""
        clock, line = asyncio.get_running_loop().time, WorkerLine()
        began_s = clock()
        watching: asyncio.Task[bool] | None = None
        try:
            birth = Birth(number, line.descriptor, not self._is_ready, is_replacement)
            process = self._living[number] = await self._employer.launch(birth)
            line.hand_over()
            if self._stopping.is_set():  # the signal came while the process was made
                _tell_to_leave(process)
            watching = asyncio.create_task(self._watch(line))
            status = await process.wait()
            return _Life(status, clock() - began_s, await watching)
        except OSError as error:
            _log.error("worker_not_started", worker=number, error=str(error))
            return _Life(None, clock() - began_s, was_open=False)
        finally:
            self._living.pop(number, None)
            line.close()
            self._employer.note_end(number)

    async def _watch(self, line: WorkerLine) -> bool:
        """Whether the worker opened its doors before it died."""
        was_open = False
        while word := await line.hear():
            if word == OPEN:
                was_open = True
                self._note_open()
            elif word == READY:
                self._is_ready = True
                self._others_may_start.set()
        return was_open

    def _note_open(self) -> None:
        if not self._has_opened:
            self._has_opened = True
            self._employer.note_open()

    def _judge_leaving(self, number: int, life: _Life) -> None:
        if not life.was_told():
            _log.error("worker_died", worker=number, status=life.status, while_stopping=True)
            self._status = self._status or _FAILED

    def _give_up(self, status: int) -> None:
        self._status = status
        self.stop()

    async def _rest(self, seconds: float) -> None:
        """Wait, but not beyond the beginning of a stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


def _report(number: int, life: _Life) -> None:
    fields = {"worker": number, "status": life.status, "lived_s": round(life.seconds, 1)}
    if life.status == 0:  # whoever runs the service told this one alone to leave
        _log.info("worker_left", **fields)
    else:
        _log.error("worker_died", **fields)


def _tell_to_leave(process: Process) -> None:
    with suppress(ProcessLookupError):  # it has just ended
        process.send_signal(LEAVE)
