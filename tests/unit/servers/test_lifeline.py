"""Both ends of the line between a service's first process and a worker."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager

from service.servers.lifeline import OPEN, READY, Lifeline, WorkerLine


async def be_ready() -> None:
    """At once."""


@contextmanager
def make_line(
    wait_until_ready: Callable[[], Awaitable[None]] = be_ready,
) -> Iterator[tuple[WorkerLine, Lifeline]]:
    """Both ends, the worker's under a number of its own as in a process of its own."""
    with closing(WorkerLine()) as line, closing(Lifeline(os.dup(line.descriptor), wait_until_ready)) as worker:
        line.hand_over()
        yield line, worker


async def hear(line: WorkerLine) -> bytes:
    """The next word."""
    return await asyncio.wait_for(line.hear(), 60)


async def test_each_end_learns_of_the_other() -> None:
    """Two words in one direction, and the closing in the other."""
    is_ready = asyncio.Event()

    async def wait_until_ready() -> None:
        await is_ready.wait()

    with make_line(wait_until_ready) as (line, worker):
        serving = asyncio.create_task(worker.serve())
        words = [await hear(line)]
        is_ready.set()
        words += [await hear(line)]
        was_cut = worker.is_cut()
        line.close()
        await asyncio.wait_for(serving, 60)

        assert [OPEN, READY] == words
        assert (False, True) == (was_cut, worker.is_cut())


async def test_worker_that_is_stopped_waits_no_longer() -> None:
    """Nothing is wrong with the line then."""
    with make_line() as (line, worker):
        serving = asyncio.create_task(worker.serve())
        await hear(line)
        worker.announce()
        worker.stop()
        await asyncio.wait_for(serving, 60)

        assert not worker.is_cut()


async def test_first_process_learns_of_a_death_before_the_doors_were_open() -> None:
    """The system closes a dead worker's end."""
    with closing(WorkerLine()) as line:
        line.hand_over()

        assert b"" == await hear(line)


async def test_worker_that_comes_too_late_ends_at_once() -> None:
    """The first process died while the worker started, before or after it could hear anything."""
    with make_line() as (line, worker):
        line.close()
        await asyncio.wait_for(worker.serve(), 60)

        assert worker.is_cut()


async def test_word_that_nobody_reads_is_no_fault() -> None:
    """The first process died in between; the system then calls the connection reset."""
    with make_line() as (line, worker):
        serving = asyncio.create_task(worker.serve())
        await asyncio.sleep(0)  # one turn of the loop, in which it speaks
        line.close()
        await asyncio.wait_for(serving, 60)

        assert worker.is_cut()
