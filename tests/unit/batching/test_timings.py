"""How long a request waited and how long the backend took, with a clock that moves when the test says so."""

import asyncio

import pytest
from support.clock import Clock
from support.fakes import HeldBackend, count_images

from service.backends.contract import ENCODE
from service.batching import Batcher, BatchLimits
from service.domain import Answer, Call, Deadline, Origin, Timings
from service.errors import BackendError, DeadlineExceededError

CALL = Call("encode", ENCODE)
LIMITS = BatchLimits(max_batch_rows=8, max_batches=1, max_queue_rows=64)


class Slow(HeldBackend):
    """Each batch takes two seconds of the test's clock once its gate is open."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    async def _wait(self) -> None:
        await super()._wait()
        self.clock.now_s += 2


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def backend(clock: Clock) -> Slow:
    """A slow backend whose gate is closed."""
    return Slow(clock)


@pytest.fixture
def batcher(backend: Slow, clock: Clock) -> Batcher:
    """Eight rows a batch, one batch at a time."""
    return Batcher(backend, LIMITS, clock)


def submit(batcher: Batcher, rows: int, timeout_s: float = 600) -> tuple[asyncio.Task[Answer], Timings]:
    """Start a request of so many rows; where its time goes is known in the end."""
    origin = Origin("id")
    task = batcher.submit(CALL, count_images(rows), Deadline.after(timeout_s), origin)
    return asyncio.create_task(task), origin.timings


async def test_wait_and_work_are_told_apart(batcher: Batcher, backend: Slow, clock: Clock) -> None:
    """The second request waits for the first one, then takes as long as its own batch."""
    first, first_timings = submit(batcher, 8)
    await backend.wait_for_batches(1)
    clock.now_s += 1
    second, second_timings = submit(batcher, 1)
    await asyncio.sleep(0)
    clock.now_s += 3
    backend.gate.set()
    await asyncio.gather(first, second)

    assert Timings(queue_s=0, backend_s=6) == first_timings
    assert Timings(queue_s=5, backend_s=2) == second_timings


async def test_cut_request_is_at_work_until_its_last_part_is_back(batcher: Batcher, backend: Slow) -> None:
    """The wait ends with its first row, the work with its last."""
    backend.gate.set()
    task, timings = submit(batcher, 20)
    await task

    assert Timings(queue_s=0, backend_s=6) == timings


async def test_failed_request_has_its_timings_too(batcher: Batcher, backend: Slow) -> None:
    """What a failing backend took is of interest as well."""
    backend.failure = BackendError("the model failed")
    backend.gate.set()
    task, timings = submit(batcher, 1)
    with pytest.raises(BackendError):
        await task

    assert Timings(queue_s=0, backend_s=2) == timings


async def test_request_that_never_left_has_no_timings(batcher: Batcher, backend: Slow) -> None:
    """It did not reach the backend, so nothing is said of it."""
    first, _ = submit(batcher, 1)
    await backend.wait_for_batches(1)
    late, timings = submit(batcher, 1, timeout_s=0.001)
    with pytest.raises(DeadlineExceededError):
        await late
    backend.gate.set()
    await first

    assert Timings() == timings
