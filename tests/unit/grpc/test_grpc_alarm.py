"""What ends a call's work, and what the call is told of it."""

import asyncio

import pytest

from service.api.grpc.alarm import Alarm, work_until
from service.domain import Deadline
from service.errors import DeadlineExceededError, OverloadedError


async def wait_for_ever(_: Alarm) -> None:
    """Work that has no end."""
    await asyncio.Event().wait()


async def test_deadline_ends_the_work() -> None:
    """The caller of the work goes on, and nothing of the cancellation is left."""
    with pytest.raises(DeadlineExceededError, match="the deadline passed before the answer was there"):
        await work_until(Deadline.after(0.01), wait_for_ever)
    task = asyncio.current_task()

    assert task is not None
    assert 0 == task.cancelling()


async def test_work_that_is_done_in_time_is_not_disturbed() -> None:
    """Neither while it runs nor later."""

    async def work(_: Alarm) -> int:
        await asyncio.sleep(0)
        return 1

    answer = await work_until(Deadline.after(0.01), work)
    await asyncio.sleep(0.02)

    assert 1 == answer


async def test_first_cause_counts() -> None:
    """What rings later finds the work ended."""

    async def work(alarm: Alarm) -> None:
        alarm.loop.call_soon(alarm.ring, OverloadedError("no room"))
        alarm.loop.call_soon(alarm.ring_at_deadline)
        await wait_for_ever(alarm)

    with pytest.raises(OverloadedError, match="no room"):
        await work_until(Deadline.after(60), work)


async def test_caller_who_leaves_at_the_deadline_has_left() -> None:
    """A cancellation from outside is never taken for the alarm's."""

    async def work(alarm: Alarm) -> None:
        alarm.loop.call_soon(alarm.ring_at_deadline)
        alarm.loop.call_soon(working.cancel)
        await wait_for_ever(alarm)

    working = asyncio.create_task(work_until(Deadline.after(60), work))
    with pytest.raises(asyncio.CancelledError):
        await working

    assert working.cancelled()


async def test_failure_of_the_work_is_passed_on() -> None:
    """Even a TimeoutError of its own is no deadline."""

    async def work(_: Alarm) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await work_until(Deadline.after(60), work)
