"""Forms batches without a timer: when the backend is free, whatever waits leaves at once."""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from service.backends.base import Backend
from service.backends.contract import check_answer
from service.batching.drain import DrainRate
from service.batching.entry import Entry, Part, split
from service.batching.observer import BatchObserver, Unobserved
from service.batching.waiting import WaitingRoom
from service.domain import UNKNOWN_ORIGIN, Answer, Call, Deadline, Origin, Rows
from service.errors import BackendError, DigitCodecError, NotReadyError, OverloadedError
from service.survivors import Survivors

# Requests that take longer have a timer of their own for their deadline.
_SLOW_S = 0.05


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The bounds of one batcher.

    Attributes:
        max_batch_rows: Most rows in one backend call.
        max_batches: Backend calls that run at the same time.
        max_queue_rows: Most rows that wait; more are refused at once.
    """

    max_batch_rows: int
    max_batches: int
    max_queue_rows: int


class Batcher:
    """Runs requests of any number of rows through a backend in shared batches.

    Everything here happens on one event loop, so no lock is needed. While the backend is busy requests gather, and
    their callers take turns, row by row; one that is larger than a batch is cut and its answer joined; one whose caller
    leaves or whose deadline passes gives up its place at once; a running batch that nobody waits for any more is
    cancelled, so that one that hangs holds its place no longer than its callers stay; a failed batch fails exactly the
    requests that had rows in it.
    """

    def __init__(
        self,
        backend: Backend,
        limits: BatchLimits,
        clock: Callable[[], float] = time.monotonic,
        *,
        observer: BatchObserver | None = None,
    ) -> None:
        """Prepare; runs nothing yet.

        Args:
            backend: What runs the batches.
            limits: The bounds.
            clock: Seconds, by which the backend's speed is measured.
            observer: Is told of waits and backend calls.
        """
        self._backend = backend
        self._limits = limits
        self._clock = clock
        self._observer = observer or Unobserved()
        self._rate = DrainRate(clock)
        self._room = WaitingRoom(limits.max_queue_rows, limits.max_batch_rows, self._rate)
        self._orders = itertools.count()
        self._running: dict[asyncio.Task[None], list[Part]] = {}
        self._callers: dict[asyncio.Task[None], int] = {}
        self._timed: Survivors[Entry] = Survivors(_SLOW_S, Entry.expire_in_time)
        self._dispatch_is_due = False
        self._is_closed = False

    @property
    def waiting_rows(self) -> int:
        """Rows that no batch has taken yet."""
        return self._room.rows

    @property
    def max_waiting_rows(self) -> int:
        """Most rows that may wait."""
        return self._limits.max_queue_rows

    @property
    def running_batches(self) -> int:
        """Backend calls under way."""
        return len(self._running)

    def find_refusal(self, caller: str) -> OverloadedError | None:
        """What `submit` would raise for one row of a caller; None if it would be admitted."""
        return self._room.find_refusal(1, caller)

    async def submit(self, call: Call, rows: Rows, deadline: Deadline, origin: Origin = UNKNOWN_ORIGIN) -> Answer:
        """Run the call on the rows, among others'.

        Args:
            call: The signature, the outputs wanted and the version.
            rows: (n, ...) with n >= 1, any n; not changed, and not to be changed before the answer is there.
            deadline: When the caller gives up.
            origin: Where the request came from: the backend is told, callers take turns, and its timings are filled in.

        Returns:
            One version's outputs for exactly these rows, in order.

        Raises:
            NotReadyError: If the batcher is closed, or two versions go on answering parts of the request in turn.
            OverloadedError: If too many rows wait already, or too many of the same caller; `retry_after_s` says when
                they will have left.
            DeadlineExceededError: If the deadline passes first.
            DigitCodecError: Whatever the backend says of the batch.
        """
        if self._is_closed:
            raise NotReadyError("the service is shutting down")
        remaining_s = deadline.check()
        loop = self._timed.loop
        entry = Entry(call, rows, deadline, loop.create_future(), next(self._orders), origin, self._clock())
        self._room.admit(entry)
        self._dispatch_soon(loop)
        self._timed.add(entry)
        if self._timed.may_miss(remaining_s):
            entry.expire_in_time()
        try:
            return await entry.result
        except BaseException:
            self._stop_abandoned(entry)
            raise
        finally:
            self._timed.remove(entry)
            if entry.timer is not None:
                entry.timer.cancel()
            if entry.waiting:
                self._room.remove(entry)
            if entry.left_s is not None:
                origin.timings.backend_s = self._clock() - entry.left_s

    async def close(self, grace_s: float) -> None:
        """Refuse newcomers, let admitted requests finish, and after `grace_s` seconds fail those that are left."""
        self._is_closed = True
        deadline = Deadline.after(grace_s)
        while self._running or self._room:
            timeout = deadline.remaining_s()
            if timeout <= 0:
                break
            # Between two batches nothing runs for one turn of the loop: yield it rather than spin.
            await (asyncio.wait(self._running, timeout=timeout) if self._running else asyncio.sleep(0))
        running = [part.entry for parts in self._running.values() for part in parts]
        for entry in running + self._room.empty():
            entry.fail(NotReadyError("the service shut down before this request was answered"))

    def _dispatch_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Form batches after this turn of the loop, so that requests that came in together leave together."""
        if not self._dispatch_is_due and len(self._running) < self._limits.max_batches:
            self._dispatch_is_due = True
            loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._dispatch_is_due = False
        while self._room and len(self._running) < self._limits.max_batches:
            if parts := self._room.take():
                self._start(parts)

    def _start(self, parts: list[Part]) -> None:
        if not self._running:
            self._rate.resume()
        self._note_waits(parts)
        task = self._timed.loop.create_task(self._run(parts))
        self._running[task] = parts
        self._callers[task] = len(parts)
        for part in parts:
            part.entry.batches.append(task)
        task.add_done_callback(self._finish)

    def _note_waits(self, parts: list[Part]) -> None:
        now_s = self._clock()
        for part in parts:
            entry = part.entry
            if entry.left_s is None:
                entry.left_s = now_s
                entry.origin.timings.queue_s = waited_s = now_s - entry.admitted_s
                self._observer.note_wait(entry.origin, waited_s)

    def _finish(self, task: asyncio.Task[None]) -> None:
        del self._callers[task]
        self._rate.note_finished(sum(map(len, self._running.pop(task))))
        self._dispatch()

    async def _run(self, parts: list[Part]) -> None:
        try:
            self._deliver(parts, await self._ask_backend(parts))
        except DigitCodecError as error:
            self._fail(parts, error)
        except Exception as error:  # noqa: BLE001 - whatever a backend raises, its callers must hear of it
            failure = BackendError(f"the backend failed with {type(error).__name__}")
            failure.__cause__ = error
            self._fail(parts, failure)

    async def _ask_backend(self, parts: list[Part]) -> Answer:
        call = parts[0].call
        rows = parts[0].rows if len(parts) == 1 else np.concatenate([part.rows for part in parts])
        latest = max((part.entry.deadline for part in parts), key=lambda deadline: deadline.at_s)
        origins = [part.entry.origin for part in parts]
        began_s = self._clock()
        try:
            with self._observer.follow_batch(call, len(rows), origins) as told:
                answer = await self._backend.run(call, rows, latest, told)
        finally:
            self._observer.note_batch(call.signature, len(rows), self._clock() - began_s)
        check_answer(call, len(rows), answer)
        return answer

    def _stop_abandoned(self, entry: Entry) -> None:
        """Cancel the batches of a lost request in which nobody waits any more; the backend lets go of their places."""
        for task in entry.batches:
            if task in self._callers:
                self._callers[task] -= 1
                if not self._callers[task]:
                    task.cancel()

    def _deliver(self, parts: list[Part], answer: Answer) -> None:
        if len(parts) == 1:
            parts[0].deliver(answer, self._run_again)
            return
        start, run_again = 0, self._run_again
        for part in parts:
            stop = start + len(part)
            part.deliver(split(answer, start, stop), run_again)
            start = stop

    def _fail(self, parts: list[Part], error: Exception) -> None:
        for part in parts:
            part.fail(error, self._run_again)

    def _run_again(self, entry: Entry, call: Call) -> None:
        self._room.remove(entry)
        entry.restart(call)
        self._room.readmit(entry)
