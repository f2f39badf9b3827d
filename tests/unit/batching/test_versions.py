"""Requests that are cut while the model changes versions: one version answers, or the caller is told soon."""

import asyncio
import itertools

import numpy as np
import pytest
from support.fakes import HeldBackend, count_images, fake_codes

from service.backends.contract import ENCODE
from service.batching import Batcher, BatchLimits
from service.domain import Answer, Call, Deadline, Selector
from service.errors import NotFoundError, NotReadyError

NEWEST_CALL = Call("encode", ENCODE)
LABEL_CALL = Call("encode", ENCODE, Selector(label="stable"))
SECOND_CALL = Call("encode", ENCODE, Selector(version=2))
ROWS = count_images(32)


class Rollout(HeldBackend):
    """Versions answer in turn, as those of several servers do, whatever is asked for but a version that is there.

    Attributes:
        unloads: The version that is gone once it has been asked for by number; or None.
        settles: True if only the first version answers from then on.
    """

    def __init__(self) -> None:
        super().__init__(1, 2)
        self.unloads: int | None = None
        self.settles = False
        self.turns = itertools.cycle([1, 2])
        self.gate.set()

    def _find_version(self, selector: Selector) -> int:
        if selector.version is None:
            return next(self.turns)
        if selector.version == self.unloads:
            if self.settles:
                self.turns = itertools.cycle([1])
            self.batches.append((SECOND_CALL, ROWS[:0]))
            raise NotFoundError("it was unloaded")
        return super()._find_version(selector)


class Uneven(Rollout):
    """The server that is asked first for version 2 has lost it, the other one takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.unloads, self.settles = 2, True

    def _find_version(self, selector: Selector) -> int:
        try:
            return super()._find_version(selector)
        finally:
            if selector.version == self.unloads:
                self.unloads = None

    async def _wait(self) -> None:
        if self.batches[-1][0] == SECOND_CALL:
            self.gate.clear()
        await super()._wait()


@pytest.fixture
def backend() -> Rollout:
    """Versions 1 and 2 answer in turn."""
    return Rollout()


@pytest.fixture(params=[1, 2, 4])
def batcher(request: pytest.FixtureRequest, backend: Rollout) -> Batcher:
    """Eight rows a batch, with one, some, or all parts of a request on their way together."""
    return Batcher(backend, BatchLimits(max_batch_rows=8, max_batches=request.param, max_queue_rows=64))


async def submit(batcher: Batcher, call: Call) -> Answer:
    """Run a request of four parts."""
    return await batcher.submit(call, ROWS, Deadline.after(600))


@pytest.mark.parametrize("call", [NEWEST_CALL, LABEL_CALL])
async def test_versions_in_turn_are_asked_twice_at_most(batcher: Batcher, backend: Rollout, call: Call) -> None:
    """The second time it is the newest of them, by number."""
    answer = await submit(batcher, call)

    assert 2 == answer.version
    assert np.array_equal(fake_codes(ROWS), answer.outputs["codes"])
    assert [call] * 4 + [SECOND_CALL] * 4 == [each for each, _ in backend.batches]


async def test_version_that_is_gone_meanwhile_is_not_insisted_on(batcher: Batcher, backend: Rollout) -> None:
    """The request runs once more as it was asked; parts of the run before do no harm."""
    backend.unloads, backend.settles = 2, True
    answer = await submit(batcher, NEWEST_CALL)

    assert (1, 0) == (answer.version, batcher.waiting_rows)
    assert np.array_equal(fake_codes(ROWS), answer.outputs["codes"])
    assert 8 == len([call for call, _ in backend.batches if call == NEWEST_CALL])


async def test_caller_is_told_that_versions_change(batcher: Batcher, backend: Rollout) -> None:
    """With the newest gone and the others still in turn, it is soon over; another try may do."""
    backend.unloads = 2
    with pytest.raises(NotReadyError, match=r"changing versions: \[1, 2\]"):
        await submit(batcher, NEWEST_CALL)

    assert 0 == batcher.waiting_rows
    assert 8 == len([call for call, _ in backend.batches if call == NEWEST_CALL])


async def test_late_part_of_the_run_before_is_not_taken() -> None:
    """Its version answered one part and was gone for the other, and the request runs again meanwhile."""
    backend = Uneven()
    batcher = Batcher(backend, BatchLimits(max_batch_rows=16, max_batches=2, max_queue_rows=64))
    task = asyncio.create_task(submit(batcher, NEWEST_CALL))
    await backend.wait_for_batches(5)
    backend.gate.set()
    answer = await task

    assert 1 == answer.version
    assert np.array_equal(fake_codes(ROWS), answer.outputs["codes"])


async def test_callers_own_version_is_never_replaced(batcher: Batcher, backend: Rollout) -> None:
    """A version by number that is not there is the caller's to hear of, at once."""
    backend.unloads = 2
    with pytest.raises(NotFoundError):
        await submit(batcher, SECOND_CALL)

    assert SECOND_CALL in {call for call, _ in backend.batches}
    assert NEWEST_CALL not in {call for call, _ in backend.batches}
