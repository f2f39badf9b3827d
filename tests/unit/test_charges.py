"""What callers are charged: rows that the model has seen, and no others."""

import asyncio
from functools import partial

import pytest
from support.clock import Clock
from support.fakes import HeldBackend, count_images

from service.access import Rate, RateLimiter
from service.api.grpc import operations
from service.batching import Batcher, BatchLimits
from service.codec import Codec
from service.domain import NEWEST, Deadline, Origin, Selector
from service.errors import (
    BackendError,
    DeadlineExceededError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    RateLimitedError,
)

ROWS = 8
BURST = 100


class Desk:
    """A core whose queue holds one request, and what it charges.

    Attributes:
        backend: Answers once its gate is open.
        codec: The core.
    """

    def __init__(self) -> None:
        self.backend = HeldBackend()
        self.batcher = Batcher(self.backend, BatchLimits(ROWS, 1, ROWS))
        self.limiter = RateLimiter(Rate(1, BURST), clock=Clock())
        self.codec = Codec(self.backend, self.batcher, model_name="digits", max_rows=BURST, charger=self.limiter)

    async def ask(self, caller: str, selector: Selector = NEWEST, timeout_s: float = 60) -> object:
        """Score eight images for a caller."""
        origin = Origin(caller=caller)
        return await self.codec.score(count_images(ROWS), selector, Deadline.after(timeout_s), origin=origin)

    async def fill(self) -> list["asyncio.Task[object]"]:
        """Have one request run and another wait, so that there is no more room."""
        running = asyncio.create_task(self.ask("other"))
        await self.backend.wait_for_batches(1)
        waiting = asyncio.create_task(self.ask("other"))
        await asyncio.sleep(0)
        return [running, waiting]

    def count_charged(self, caller: str) -> int:
        """The rows that a caller has been charged: what is missing from its burst."""
        for left in range(BURST, 0, -1):
            try:
                self.limiter.charge(caller, left)
            except RateLimitedError:
                continue
            self.limiter.refund(caller, left)
            return BURST - left
        return BURST


@pytest.fixture
def desk() -> Desk:
    """A core with nothing to do."""
    return Desk()


async def test_answers_are_charged(desk: Desk) -> None:
    """Every row of them."""
    desk.backend.gate.set()
    await desk.ask("me")
    await desk.ask("me")

    assert (2 * ROWS, 0) == (desk.count_charged("me"), desk.count_charged("other"))


async def test_a_full_queue_costs_nothing(desk: Desk) -> None:
    """Else a caller would pay for our lack of room, and be refused for it when there is room again."""
    others = await desk.fill()
    for _ in range(50):
        with pytest.raises(OverloadedError):
            await desk.ask("me")
    charged = desk.count_charged("me")
    desk.backend.gate.set()
    await asyncio.gather(*others)

    assert 0 == charged
    assert 2 * ROWS == desk.count_charged("other")


async def test_a_patient_request_is_charged_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it tries for a place in the queue."""
    monkeypatch.setattr(operations, "_MOST_PATIENCE_S", 0.001)
    others, tries = await desk.fill(), 0
    tried = asyncio.Event()

    async def run() -> object:
        nonlocal tries
        tries += 1
        if tries == 2 * BURST // ROWS:
            tried.set()
        return await desk.ask("me")

    patient = asyncio.create_task(operations._run_patiently(run, Deadline.after(10)))  # type: ignore[arg-type]  # noqa: SLF001
    await tried.wait()
    desk.backend.gate.set()
    await asyncio.gather(patient, *others)

    assert ROWS == desk.count_charged("me")


async def test_what_the_model_has_not_seen_costs_nothing(desk: Desk) -> None:
    """An unknown version, no version, a deadline or a caller's leave before the turn came."""
    desk.backend.gate.set()
    with pytest.raises(NotFoundError):
        await desk.ask("me", Selector(version=7))
    desk.backend.gate.clear()
    running, waiting = await desk.fill()
    waiting.cancel()
    await asyncio.wait({waiting})
    with pytest.raises(DeadlineExceededError):
        await desk.ask("me", timeout_s=0.01)
    leaving = asyncio.create_task(desk.ask("me"))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving})
    desk.backend.gate.set()
    await running
    desk.backend.versions.clear()
    with pytest.raises(NotReadyError):
        await desk.ask("me")
    await desk.batcher.close(0)
    with pytest.raises(NotReadyError):
        await desk.ask("me")

    assert 0 == desk.count_charged("me")


async def test_work_that_ends_badly_is_charged(desk: Desk) -> None:
    """The model has had its trouble: failures, and callers who leave while it runs."""
    desk.backend.gate.set()
    desk.backend.failure = BackendError("broken")
    with pytest.raises(BackendError):
        await desk.ask("failed")
    desk.backend.gate.clear()
    ask = partial(desk.ask, "late", timeout_s=0.01)
    with pytest.raises(DeadlineExceededError):
        await ask()

    assert [ROWS, ROWS] == [desk.count_charged("failed"), desk.count_charged("late")]


async def test_more_than_the_rate_is_refused_and_costs_nothing(desk: Desk) -> None:
    """Before the queue is asked."""
    desk.limiter.charge("me", BURST)
    with pytest.raises(RateLimitedError):
        await desk.ask("me")

    assert [] == desk.backend.batches
    assert BURST == desk.count_charged("me")
