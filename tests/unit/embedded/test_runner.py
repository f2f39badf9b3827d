"""Threads that work for an event loop: what comes back, how many there are, and how they end."""

import asyncio
import gc
import threading
from collections.abc import Iterator

import pytest

from service.backends.embedded.runner import Runner


@pytest.fixture
def runner() -> Iterator[Runner]:
    """At most two threads."""
    runner = Runner(2, "test-runner")
    yield runner
    runner.close()


def name_thread() -> str:
    """The thread that runs this."""
    return threading.current_thread().name


async def test_result_and_failure_come_back(runner: Runner) -> None:
    """What the function returns or raises is what the caller gets, from another thread."""

    def fail() -> None:
        raise LookupError("not here")

    assert 5 == await runner.run(max, 2, 5)
    assert (await runner.run(name_thread)).startswith("test-runner")
    with pytest.raises(LookupError, match="not here"):
        await runner.run(fail)


async def test_threads_start_as_they_are_needed(runner: Runner) -> None:
    """One after another needs one thread; more work than threads waits and is all done."""
    assert {"test-runner_0"} == {await runner.run(name_thread) for _ in range(5)}

    barrier = threading.Barrier(2)
    both = await asyncio.gather(*(runner.run(barrier.wait, 60) for _ in range(2)))
    assert [0, 1] == sorted(both)
    assert list(range(20)) == await asyncio.gather(*(runner.run(int, each) for each in range(20)))


async def test_each_thread_is_prepared_once() -> None:
    """The initializer runs in the thread itself, before its first work."""
    prepared: list[str] = []
    runner = Runner(1, "prepared", lambda: prepared.append(name_thread()))
    for _ in range(3):
        assert "prepared_0" == await runner.run(name_thread)
    runner.close()

    assert ["prepared_0"] == prepared


async def test_closing_does_what_waits_first() -> None:
    """Whoever was taken on gets an answer, and no thread is left."""
    runner = Runner(1, "closing")
    gate = threading.Event()
    works = [asyncio.create_task(runner.run(gate.wait, 60)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()
    runner.close()

    assert [True] * 3 == await asyncio.gather(*works)
    assert not any(thread.name.startswith("closing") for thread in threading.enumerate())


async def test_failure_that_comes_with_a_cancellation_is_nobodys() -> None:
    """Both in one turn of the loop: the cancellation comes out, and the failure is not reported as lost."""
    reported: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))
    runner = Runner(1, "test-runner")
    is_next = threading.Event()
    task = asyncio.create_task(runner.run(int, "no number"))
    after_it = asyncio.create_task(runner.run(is_next.set))
    await asyncio.sleep(0)
    assert is_next.wait(60)  # the failure is on its way to the loop, which this line holds up
    loop.call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    await after_it
    runner.close()
    del task
    gc.collect()

    assert [] == reported


def test_loop_that_is_gone_ends_no_thread() -> None:
    """A call that outlives its loop has nobody to tell, and its thread goes on."""
    runner = Runner(1, "orphan")
    gate = threading.Event()
    ended = threading.Event()

    def outlive() -> None:
        gate.wait(60)
        ended.set()

    work = runner.run(outlive)

    async def begin() -> None:
        work.send(None)

    asyncio.run(begin())
    gate.set()
    assert ended.wait(60)

    assert 3 == asyncio.run(runner.run(len, "abc"))
    runner.close()
    work.close()  # nothing will ever resume it
