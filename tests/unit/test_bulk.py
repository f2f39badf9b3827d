"""Large requests take turns in one thread, and what waits for its turn can be taken back."""

import asyncio
import gc
import threading
import weakref
from functools import partial

import pytest

from service.api.bulk import BulkExecutor

_PATIENCE_S = 10


class Body:
    """What a piece of work holds while it waits."""

    def read(self) -> int:
        """Be read."""
        return 1


@pytest.fixture
def released() -> threading.Event:
    """Lets the work in the thread end."""
    return threading.Event()


async def begin(bulk: BulkExecutor, released: threading.Event) -> "asyncio.Task[bool]":
    """Keep the thread busy until it is released."""
    began = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait() -> bool:
        loop.call_soon_threadsafe(began.set)
        return released.wait(_PATIENCE_S)

    task = asyncio.create_task(bulk.run(wait))
    await began.wait()
    return task


async def test_turns_come_in_order(released: threading.Event) -> None:
    """And each gets its own answer, or its own error."""
    order: list[int] = []

    def work(number: int) -> int:
        order.append(number)
        return 10 // number

    with BulkExecutor() as bulk:
        first = await begin(bulk, released)
        others = [asyncio.create_task(bulk.run(partial(work, number))) for number in (1, 0, 2)]
        await asyncio.sleep(0)
        released.set()
        answers = await asyncio.gather(first, *others, return_exceptions=True)

    assert [1, 0, 2] == order
    assert [True, 10, ZeroDivisionError, 5] == [each if isinstance(each, int) else type(each) for each in answers]


async def test_who_leaves_while_waiting_takes_its_bytes_along(released: threading.Event) -> None:
    """At once, though the thread is busy: else the bytes of those who left would pile up behind it."""
    with BulkExecutor() as bulk:
        first = await begin(bulk, released)
        body = Body()
        known = weakref.ref(body)
        waiting = asyncio.create_task(bulk.run(body.read))
        del body
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        del waiting
        gc.collect()
        is_gone = known() is None
        released.set()
        await first

    assert is_gone


async def test_who_leaves_in_its_turn_is_let_go_at_its_end(released: threading.Event) -> None:
    """However often it is cancelled: until then its bytes are read, and must be counted."""
    with BulkExecutor() as bulk:
        leaving = await begin(bulk, released)
        following = asyncio.create_task(bulk.run(lambda: 2))
        for _ in range(3):
            leaving.cancel()
            await asyncio.sleep(0.01)
        meanwhile = (leaving.done(), following.done())
        released.set()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        answer = await following

    assert (False, False) == meanwhile
    assert 2 == answer


async def test_error_of_work_that_nobody_waits_for_is_dropped(released: threading.Event) -> None:
    """The caller hears that it was cancelled, and nothing is logged as lost."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    began = threading.Event()

    def fail() -> None:
        began.set()
        released.wait(_PATIENCE_S)
        raise ValueError

    with BulkExecutor() as bulk:
        leaving = asyncio.create_task(bulk.run(fail))
        await asyncio.to_thread(began.wait, _PATIENCE_S)
        leaving.cancel()
        await asyncio.sleep(0)
        released.set()
        with pytest.raises(asyncio.CancelledError):
            await leaving
    gc.collect()

    assert [] == told
