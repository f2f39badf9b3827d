"""Running batches that nobody waits for any more: they free their places, and harm nobody."""

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.fakes import HeldBackend, count_images, fake_codes

from service.backends.contract import ENCODE
from service.batching import Batcher, BatchLimits
from service.domain import Answer, Call, Deadline, Rows
from service.errors import BackendError, DeadlineExceededError, NotReadyError

ENCODE_CALL = Call("encode", ENCODE)
ALL = count_images(40)
LIMITS = BatchLimits(max_batch_rows=8, max_batches=2, max_queue_rows=64)


class Stubborn(HeldBackend):
    """Cannot stop its work: a cancellation is let through when the gate opens."""

    async def _wait(self) -> None:
        work = asyncio.ensure_future(self.gate.wait())
        self.entered.set()
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self.cancelled += 1
            await work
            raise


class Failing(HeldBackend):
    """Answers cancellations with failures of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[Exception] = [BackendError("the model failed"), ZeroDivisionError()]

    async def _wait(self) -> None:
        try:
            await super()._wait()
        except asyncio.CancelledError:
            raise self.failures.pop() from None


class Numbered(HeldBackend):
    """Each batch waits for a gate of its own, and fails if it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.gates = [asyncio.Event(), asyncio.Event()]

    async def _wait(self) -> None:
        gate = self.gates[len(self.batches) - 1]
        self.entered.set()
        try:
            await gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


def submit(batcher: Batcher, rows: Rows, timeout_s: float = 600) -> asyncio.Task[Answer]:
    """Start a request and return its task."""
    return asyncio.create_task(batcher.submit(ENCODE_CALL, rows, Deadline.after(timeout_s)))


async def turn_of_the_loop() -> None:
    """Let every task that can run now run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def fill(batcher: Batcher, backend: HeldBackend, timeout_s: float = 600) -> list[asyncio.Task[Answer]]:
    """One whole batch of one request for every place."""
    tasks = [submit(batcher, ALL[:8], timeout_s) for _ in range(LIMITS.max_batches)]
    await backend.wait_for_batches(LIMITS.max_batches)
    return tasks


async def test_places_of_callers_who_left_are_free() -> None:
    """While every call hangs, callers leave: the next request runs, and waits for no deadline of theirs."""
    backend = HeldBackend()
    batcher = Batcher(backend, LIMITS)
    hung = await fill(batcher, backend)
    waiting = submit(batcher, ALL[20:21])
    await turn_of_the_loop()
    assert 2 == len(backend.batches)
    for task in hung:
        task.cancel()
    await turn_of_the_loop()

    assert [8, 8, 1] == backend.batch_sizes
    assert (2, 1) == (backend.cancelled, batcher.running_batches)
    backend.gate.set()
    assert np.array_equal(fake_codes(ALL[20:21]), (await waiting).outputs["codes"])


async def test_places_of_callers_out_of_time_are_free() -> None:
    """Those whose deadlines pass hold nobody up either."""
    backend = HeldBackend()
    batcher = Batcher(backend, LIMITS)
    hung = await fill(batcher, backend, timeout_s=0.01)
    waiting = submit(batcher, ALL[20:21])
    outcomes = await asyncio.gather(*hung, return_exceptions=True)
    await turn_of_the_loop()

    assert [DeadlineExceededError] * 2 == [type(outcome) for outcome in outcomes]
    assert (3, 2) == (len(backend.batches), backend.cancelled)
    backend.gate.set()
    await waiting


async def test_one_live_neighbour_keeps_the_batch() -> None:
    """A batch runs on while anybody in it waits, however many left or ran out of time."""
    backend = HeldBackend()
    batcher = Batcher(backend, LIMITS)
    left, late, stays = submit(batcher, ALL[:1]), submit(batcher, ALL[1:2], 0.01), submit(batcher, ALL[2:3])
    await backend.wait_for_batches(1)
    left.cancel()
    await asyncio.gather(left, late, return_exceptions=True)
    await turn_of_the_loop()
    assert (0, 1) == (backend.cancelled, batcher.running_batches)
    backend.gate.set()

    assert np.array_equal(fake_codes(ALL[2:3]), (await stays).outputs["codes"])


async def test_cut_request_ends_only_the_batches_that_it_has_to_itself() -> None:
    """Of two batches, one of its own and one that it shares, the shared one runs on."""
    backend = HeldBackend()
    batcher = Batcher(backend, LIMITS)
    large, small = submit(batcher, ALL[:12]), submit(batcher, ALL[20:21])
    await backend.wait_for_batches(2)
    large.cancel()
    await turn_of_the_loop()
    assert [8, 5] == backend.batch_sizes
    assert (1, 1) == (backend.cancelled, batcher.running_batches)
    backend.gate.set()

    assert np.array_equal(fake_codes(ALL[20:21]), (await small).outputs["codes"])


async def test_cut_request_that_failed_ends_its_other_batch() -> None:
    """With one part lost, the whole answer is: what is left of it need not be computed."""
    backend = Numbered()
    batcher = Batcher(backend, LIMITS)
    task = submit(batcher, ALL[:16])
    await backend.wait_for_batches(2)
    backend.failure = BackendError("the model failed")
    backend.gates[0].set()
    with pytest.raises(BackendError):
        await task
    await turn_of_the_loop()

    assert (1, 0) == (backend.cancelled, batcher.running_batches)


async def test_work_that_cannot_be_stopped_keeps_its_place() -> None:
    """The batcher never gives a backend more than it has places for, abandoned work included."""
    backend = Stubborn()
    batcher = Batcher(backend, LIMITS)
    hung = await fill(batcher, backend)
    waiting = submit(batcher, ALL[20:21])
    for task in hung:
        task.cancel()
    await turn_of_the_loop()
    assert (2, 2) == (backend.cancelled, len(backend.batches))
    backend.gate.set()

    assert np.array_equal(fake_codes(ALL[20:21]), (await waiting).outputs["codes"])


async def test_shutdown_waits_for_work_that_cannot_be_stopped() -> None:
    """Closing drains what runs, although nobody waits for it."""
    backend = Stubborn()
    batcher = Batcher(backend, LIMITS)
    for task in await fill(batcher, backend):
        task.cancel()
    closing = asyncio.create_task(batcher.close(grace_s=600))
    await turn_of_the_loop()
    assert not closing.done()
    backend.gate.set()
    await closing

    assert 0 == batcher.running_batches


async def test_shutdown_ends_what_outlasts_its_grace() -> None:
    """Once everybody was told, the backend need not go on."""
    backend = HeldBackend()
    batcher = Batcher(backend, LIMITS)
    hung = await fill(batcher, backend)
    await batcher.close(grace_s=0)
    outcomes = await asyncio.gather(*hung, return_exceptions=True)
    await turn_of_the_loop()

    assert [NotReadyError] * 2 == [type(outcome) for outcome in outcomes]
    assert (2, 0) == (backend.cancelled, batcher.running_batches)


async def test_failure_after_everybody_left_is_nobodys() -> None:
    """Whatever a cancelled backend raises leaves no exception that nobody retrieves, and the place is free."""
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    backend = Failing()
    batcher = Batcher(backend, LIMITS)
    tasks = await fill(batcher, backend)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await turn_of_the_loop()
    gc.collect()

    assert (0, [], []) == (batcher.running_batches, backend.failures, reported)


async def leave(tasks: list[asyncio.Task[Answer]], _: HeldBackend) -> None:
    """Every caller leaves, in the order in which they came."""
    for task in tasks:
        task.cancel()


async def fail_all(_: list[asyncio.Task[Answer]], backend: HeldBackend) -> None:
    """The whole batch fails."""
    backend.failure = BackendError("the model failed")
    backend.gate.set()


async def count_steps(callers: int, end: Callable[[list[asyncio.Task[Answer]], HeldBackend], Any]) -> int:
    """The calls that Python makes when a batch of so many callers is lost, while another one runs."""
    backend, steps = HeldBackend(), 0

    def note(*_: object) -> None:
        nonlocal steps
        steps += 1

    batcher = Batcher(backend, BatchLimits(max_batch_rows=callers, max_batches=2, max_queue_rows=2 * callers))
    lost = [submit(batcher, ALL[:1]) for _ in range(callers)]
    other = [submit(batcher, ALL[:1]) for _ in range(callers)]
    await backend.wait_for_batches(2)
    sys.setprofile(note)
    try:
        await end(lost, backend)
        await asyncio.gather(*lost, return_exceptions=True)
    finally:
        sys.setprofile(None)
    backend.gate.set()
    await asyncio.gather(*other)
    return steps


@pytest.mark.parametrize("end", [leave, fail_all])
async def test_lost_batch_costs_as_much_as_it_has_callers(
    end: Callable[[list[asyncio.Task[Answer]], HeldBackend], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times the callers take four times the work, not sixteen times: the loop has others to serve."""
    monkeypatch.setattr("service.batching.batcher._SLOW_S", 200)  # on a slow machine their timers would be counted too
    assert await count_steps(400, end) < 5 * await count_steps(100, end)
