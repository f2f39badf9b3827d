"""Where large requests are parsed and rendered: in one thread, each in its turn."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

_Out = TypeVar("_Out")


class BulkExecutor(ThreadPoolExecutor):
    """One thread: large requests take turns, so that they never hold more than one processor of the small ones.

    `run` hands the thread one piece of work at a time. What waits for its turn belongs to the task that waits, and goes
    with it when the caller leaves; in the thread's queue it would stay, with bytes that nobody counts any more. It
    belongs to one event loop.
    """

    def __init__(self) -> None:
        super().__init__(1, "bulk-bodies")
        self._turn = asyncio.Lock()

    async def run(self, work: Callable[[], _Out]) -> _Out:
        """Do the work when its turn has come; returns and raises what the work does.

        A cancellation while it waits ends it at once. One while it is done is passed on at its end: a thread cannot be
        stopped, and until then the bytes that it reads are held.
        """
        async with self._turn:
            loop, ended = asyncio.get_running_loop(), asyncio.Event()
            job = self.submit(work)
            job.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
            try:
                return await asyncio.wrap_future(job)
            except asyncio.CancelledError:
                await _outlast(ended)
                raise


async def _outlast(ended: asyncio.Event) -> None:
    """Wait, however often the task is cancelled meanwhile."""
    while not ended.is_set():
        with suppress(asyncio.CancelledError):
            await ended.wait()
