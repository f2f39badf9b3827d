"""Threads that run the model for an event loop, and as little as possible between the two."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

_Result = TypeVar("_Result")


class Runner:
    """A few threads that take work from one queue, and tell the event loop themselves.

    Half the cost of `run_in_executor`, which passes each result through two futures, a lock and a condition. All of it
    belongs to one event loop.
    """

    def __init__(self, max_threads: int, name: str, initializer: Callable[[], None] | None = None) -> None:
        """Start no thread before there is work for it.

        Args:
            max_threads: Most of them; more work than that waits.
            name: What the threads are called, with a number behind it.
            initializer: What each does first.
        """
        self._max_threads = max_threads
        self._name = name
        self._initializer = initializer
        self._threads: list[threading.Thread] = []
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._unfinished = 0

    async def run(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """What the function returns or raises. A thread cannot be stopped: cancelling waits for it."""
        job = _Job(asyncio.get_running_loop(), function, arguments)
        self._unfinished += 1
        try:
            if len(self._threads) < min(self._unfinished, self._max_threads):
                self._start_thread()
            self._jobs.put(job)
            return await job.see_through()
        finally:
            self._unfinished -= 1
            del job  # a failure's traceback holds this frame, which would hold the failure

    def close(self) -> None:
        """End the threads once they have done all work, and wait for them."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _start_thread(self) -> None:
        # A daemon does not keep a process from ending whose loop has failed.
        thread = threading.Thread(target=self._work, name=f"{self._name}_{len(self._threads)}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _work(self) -> None:
        if self._initializer is not None:
            self._initializer()
        while (job := self._jobs.get()) is not None:
            job.do()
            del job  # its result must not live until the next one comes


class _Job(Generic[_Result]):
    """One call of a function, made in a thread and awaited on the loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., _Result], arguments: tuple[Any, ...]
    ) -> None:
        self._loop = loop
        self._function = function
        self._arguments = arguments
        self._is_done = False
        self._answer: asyncio.Future[_Result] = loop.create_future()

    def do(self) -> None:
        """In a thread: make the call, and tell the loop."""
        result: _Result | None = None
        failure: BaseException | None = None
        try:
            result = self._function(*self._arguments)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the caller's
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody is left to hear of it
            self._loop.call_soon_threadsafe(self._finish, result, failure)
        del self, failure  # as in `Runner.run`

    async def see_through(self) -> _Result:
        """On the loop: what came of it. A cancellation is let through once the call has returned."""
        try:
            return await self._answer
        except asyncio.CancelledError:
            if not self._is_done:
                self._answer = self._loop.create_future()  # the first was cancelled with its task
            while not self._is_done:
                with suppress(asyncio.CancelledError):  # more of them change nothing
                    await asyncio.wait([self._answer])
            if not self._answer.cancelled():
                self._answer.exception()  # nobody is left to hear of it; unread, asyncio would write it to the log
            raise
        finally:
            del self  # as in `Runner.run`

    def _finish(self, result: Any, failure: BaseException | None) -> None:
        self._is_done = True
        if self._answer.cancelled():
            return
        if failure is None:
            self._answer.set_result(result)
        else:
            self._answer.set_exception(failure)
