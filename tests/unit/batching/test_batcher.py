"""The batcher's promises, each held by a backend that answers only when the test lets it."""

import asyncio
import gc
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from support.fakes import CODE_DIM, HeldBackend, count_images, fake_codes

from service.backends.contract import DECODE, ENCODE
from service.batching import Batcher, BatchLimits, Lanes
from service.domain import Answer, Call, Deadline, Origin, Rows, Selector
from service.errors import (
    BackendContractError,
    BackendError,
    DeadlineExceededError,
    InvalidCodeError,
    NotReadyError,
    OverloadedError,
)

ENCODE_CALL = Call("encode", ENCODE)
FIRST_VERSION_CALL = Call("encode", ENCODE, Selector(version=1))


ALL = count_images(400)


def image(number: int) -> Rows:
    """One image that differs from those of other numbers below 400."""
    return ALL[number : number + 1]


class PassingDeadline(Deadline):
    """A deadline that passes when the test says so."""

    is_over = False

    def remaining_s(self) -> float:
        """None, once it is over."""
        return -1.0 if self.is_over else super().remaining_s()


def far() -> Deadline:
    """A deadline that no test reaches."""
    return Deadline.after(600)


def submit(
    batcher: Batcher, rows: Rows, call: Call = ENCODE_CALL, deadline: Deadline | None = None
) -> asyncio.Task[Answer]:
    """Start a request and return its task."""
    return asyncio.get_running_loop().create_task(batcher.submit(call, rows, deadline or far()))


async def turn_of_the_loop() -> None:
    """Let every task that can run now run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def backend() -> HeldBackend:
    """A backend whose gate is open."""
    opened = HeldBackend()
    opened.gate.set()
    return opened


@pytest.fixture
def batcher(backend: HeldBackend) -> Batcher:
    """Eight rows a batch, one batch at a time, sixteen rows waiting."""
    return Batcher(backend, BatchLimits(max_batch_rows=8, max_batches=1, max_queue_rows=16))


async def test_waiting_requests_share_one_batch(batcher: Batcher, backend: HeldBackend) -> None:
    """Requests that arrive while the backend is busy leave together."""
    async with backend.held():
        first = submit(batcher, image(0))
        await backend.wait_for_batches(1)
        waiting = [submit(batcher, image(number)) for number in (1, 2, 3)]
        await turn_of_the_loop()
    await asyncio.gather(first, *waiting)

    assert [1, 3] == backend.batch_sizes


async def test_requests_of_one_turn_share_one_batch(batcher: Batcher, backend: HeldBackend) -> None:
    """Requests read in the same turn of the loop leave together even when the backend is free."""
    await asyncio.gather(*(submit(batcher, image(number)) for number in range(5)))

    assert [5] == backend.batch_sizes


async def test_requests_leave_in_order_of_arrival(batcher: Batcher, backend: HeldBackend) -> None:
    """First in, first out, across several batches."""
    async with backend.held():
        tasks = [submit(batcher, image(number)) for number in range(16)]
        await backend.wait_for_batches(1)
    await asyncio.gather(*tasks)

    sent = np.concatenate([rows for _, rows in backend.batches])
    assert np.array_equal(ALL[:16], sent)


async def test_rows_never_mix(backend: HeldBackend) -> None:
    """Many requests of random sizes each get exactly the answers of their own rows."""
    batcher = Batcher(backend, BatchLimits(max_batch_rows=8, max_batches=3, max_queue_rows=10_000))
    random = np.random.default_rng(0)
    requests = [ALL[random.integers(0, len(ALL), random.integers(1, 30))] for _ in range(200)]
    answers = await asyncio.gather(*(submit(batcher, rows) for rows in requests))

    for rows, answer in zip(requests, answers, strict=True):
        assert np.array_equal(fake_codes(rows), answer.outputs["codes"])


async def test_large_request_is_cut_and_joined(batcher: Batcher, backend: HeldBackend) -> None:
    """A request of more rows than a batch holds comes back whole and in order."""
    rows = ALL[:13]
    answer = await submit(batcher, rows)

    assert [8, 5] == backend.batch_sizes
    assert np.array_equal(fake_codes(rows), answer.outputs["codes"])


async def test_rest_of_a_cut_request_shares_its_batch(batcher: Batcher, backend: HeldBackend) -> None:
    """The tail of a large request leaves room for those behind it."""
    large, small = ALL[:10], image(99)
    answers = await asyncio.gather(submit(batcher, large), submit(batcher, small))

    assert [8, 3] == backend.batch_sizes
    assert np.array_equal(fake_codes(small), answers[1].outputs["codes"])


async def test_cut_request_never_mixes_versions(batcher: Batcher, backend: HeldBackend) -> None:
    """A request whose parts were answered by two versions runs again as a whole."""
    async with backend.held():
        task = submit(batcher, ALL[:12])
        await backend.wait_for_batches(1)
        backend.versions.append(2)
    answer = await task

    assert 2 == answer.version
    assert np.array_equal(fake_codes(ALL[:12]), answer.outputs["codes"])
    assert [8, 4, 8, 4] == backend.batch_sizes


async def test_different_calls_never_share_a_batch(batcher: Batcher, backend: HeldBackend) -> None:
    """A pinned version and the newest one are separate batches, the older request first."""
    async with backend.held():
        first = submit(batcher, image(0))
        await backend.wait_for_batches(1)
        pinned = submit(batcher, image(1), FIRST_VERSION_CALL)
        newest = [submit(batcher, image(number)) for number in (2, 3)]
        await turn_of_the_loop()
    await asyncio.gather(first, pinned, *newest)

    assert [(ENCODE_CALL, 1), (FIRST_VERSION_CALL, 1), (ENCODE_CALL, 2)] == [
        (call, len(rows)) for call, rows in backend.batches
    ]


async def test_rows_of_different_widths_never_share_a_batch(batcher: Batcher, backend: HeldBackend) -> None:
    """Codes of a wrong width cannot make their neighbours fail."""
    call = Call("decode", DECODE)
    wrong, right = np.ones((1, CODE_DIM + 1), np.float32), np.ones((1, CODE_DIM), np.float32)
    outcomes = await asyncio.gather(submit(batcher, wrong, call), submit(batcher, right, call), return_exceptions=True)

    assert [1, 1] == backend.batch_sizes
    assert isinstance(outcomes[0], InvalidCodeError)
    assert isinstance(outcomes[1], Answer)


async def test_cancelled_neighbour_harms_nobody(batcher: Batcher, backend: HeldBackend) -> None:
    """Cancelling one of three requests in a running batch leaves the other two with their answers."""
    async with backend.held():
        tasks = [submit(batcher, image(number)) for number in (1, 2, 3)]
        await backend.wait_for_batches(1)
        tasks[1].cancel()
        await turn_of_the_loop()
    answers = await asyncio.gather(tasks[0], tasks[2])

    for number, answer in zip((1, 3), answers, strict=True):
        assert np.array_equal(fake_codes(image(number)), answer.outputs["codes"])


async def test_abandoned_rows_never_reach_the_backend(batcher: Batcher, backend: HeldBackend) -> None:
    """A request whose caller leaves while it waits is not computed."""
    async with backend.held():
        first = submit(batcher, image(0))
        await backend.wait_for_batches(1)
        left, stays = submit(batcher, image(1)), submit(batcher, image(2))
        await turn_of_the_loop()
        left.cancel()
    await asyncio.gather(first, stays)

    assert np.array_equal(image(2), backend.batches[1][1])


async def test_abandoned_rows_free_their_place(batcher: Batcher, backend: HeldBackend) -> None:
    """Rows of callers who left are not counted against the bound, and are not kept in memory."""
    async with backend.held():
        first = submit(batcher, image(0))
        await backend.wait_for_batches(1)
        rows = ALL[:16].copy()
        kept = weakref.ref(rows)
        full = submit(batcher, rows)
        await turn_of_the_loop()
        full.cancel()
        await turn_of_the_loop()

        assert 0 == batcher.waiting_rows
        del full, rows
        gc.collect()
        assert kept() is None
        admitted = submit(batcher, ALL[:16])
        await turn_of_the_loop()
        assert 16 == batcher.waiting_rows
    await asyncio.gather(first, admitted)


async def test_expired_entry_never_reaches_the_backend(batcher: Batcher, backend: HeldBackend) -> None:
    """A request whose time is up while it waits gets its error at once, and is not computed."""
    async with backend.held():
        first = submit(batcher, image(0))
        await backend.wait_for_batches(1)
        expired = submit(batcher, image(1), deadline=Deadline.after(0.001))
        stays = submit(batcher, image(2))
        with pytest.raises(DeadlineExceededError):
            await expired
    await asyncio.gather(first, stays)

    assert [1, 1] == backend.batch_sizes
    assert np.array_equal(image(2), backend.batches[1][1])


async def test_expiry_is_noticed_even_if_its_timer_is_late(batcher: Batcher, backend: HeldBackend) -> None:
    """The deadline is looked at again as the batch forms, for a loop that was too busy to run the timer."""
    deadline = PassingDeadline(far().at_s)
    async with backend.held():
        first = submit(batcher, image(0))
        await backend.wait_for_batches(1)
        late = submit(batcher, image(1), deadline=deadline)
        await turn_of_the_loop()
        deadline.is_over = True
    with pytest.raises(DeadlineExceededError):
        await late
    await first

    assert [1] == backend.batch_sizes


async def test_expired_request_is_refused_before_it_waits(batcher: Batcher, backend: HeldBackend) -> None:
    """A request that comes too late costs nothing."""
    with pytest.raises(DeadlineExceededError):
        await submit(batcher, image(0), deadline=Deadline.after(-1))

    assert [] == backend.batch_sizes


async def test_running_request_is_answered_at_its_deadline(batcher: Batcher, backend: HeldBackend) -> None:
    """A backend that does not answer cannot hold a caller beyond the deadline."""
    async with backend.held():
        with pytest.raises(DeadlineExceededError):
            await submit(batcher, image(0), deadline=Deadline.after(0.001))


async def test_full_queue_refuses_at_once(batcher: Batcher, backend: HeldBackend) -> None:
    """One row too many is refused while those admitted keep their places."""
    async with backend.held():
        first = submit(batcher, image(0))
        await backend.wait_for_batches(1)
        waiting = submit(batcher, ALL[:16])
        await turn_of_the_loop()
        with pytest.raises(OverloadedError, match="16 rows wait, 1 more came, the limit is 16"):
            await submit(batcher, image(1))
        assert not waiting.done()
    await asyncio.gather(first, waiting)


async def test_refusal_says_when_those_who_wait_will_have_left(backend: HeldBackend) -> None:
    """Sixteen rows, by the eight that took two seconds; the time before, when nothing ran, does not count."""
    now_s = [0.0]
    batcher = Batcher(backend, BatchLimits(8, 1, 16), lambda: now_s[0])
    now_s[0] = 1000.0
    async with backend.held():
        first = submit(batcher, ALL[:8])
        await backend.wait_for_batches(1)
        now_s[0] = 1002.0
    await first
    async with backend.held():
        running = submit(batcher, ALL[:8])
        await backend.wait_for_batches(2)
        waiting = submit(batcher, ALL[:16])
        await turn_of_the_loop()
        with pytest.raises(OverloadedError) as refused:
            await submit(batcher, image(0))
    await asyncio.gather(running, waiting)

    assert 4.0 == refused.value.retry_after_s


@pytest.mark.parametrize("failure", [BackendError("the model failed"), NotReadyError("the backend is away")])
async def test_backend_error_reaches_exactly_its_batch(
    batcher: Batcher, backend: HeldBackend, failure: Exception
) -> None:
    """Every request in the failed batch hears of it, the next batch is answered, and the loop lives on."""
    async with backend.held():
        failed = [submit(batcher, image(number)) for number in (1, 2)]
        await backend.wait_for_batches(1)
        backend.failure = failure
        spared = submit(batcher, image(3))
        await turn_of_the_loop()
    outcomes = await asyncio.gather(*failed, return_exceptions=True)

    assert [failure, failure] == outcomes
    assert np.array_equal(fake_codes(image(3)), (await spared).outputs["codes"])


async def test_unknown_failure_becomes_a_backend_error(batcher: Batcher, backend: HeldBackend) -> None:
    """An exception of unknown kind is told as a backend error that names its type, with the cause kept."""
    backend.failure = ZeroDivisionError("secret")
    with pytest.raises(BackendError, match="ZeroDivisionError") as caught:
        await submit(batcher, image(1))

    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert "secret" not in caught.value.detail
    assert np.array_equal(fake_codes(image(2)), (await submit(batcher, image(2))).outputs["codes"])


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"codes": np.zeros((1, 2), np.float64)},
        {"codes": np.zeros((2, 2), np.float32)},
        {"codes": np.array([[np.nan, 0]], np.float32)},
    ],
    ids=["missing", "wrong type", "wrong rows", "not finite"],
)
async def test_answer_outside_the_contract_is_refused(
    batcher: Batcher, backend: HeldBackend, monkeypatch: pytest.MonkeyPatch, outputs: dict[str, Any]
) -> None:
    """What contract one does not allow never reaches a caller, and the next request is served."""

    async def answer(call: Call, rows: Rows, deadline: Deadline, origins: Sequence[Origin]) -> Answer:
        return Answer(1, outputs)

    with monkeypatch.context() as patch:
        patch.setattr(backend, "run", answer)
        with pytest.raises(BackendContractError, match="encode"):
            await submit(batcher, image(1))
    assert np.array_equal(fake_codes(image(2)), (await submit(batcher, image(2))).outputs["codes"])


async def test_several_batches_run_at_once_up_to_the_limit(backend: HeldBackend) -> None:
    """A backend with room for two calls gets two, and the third waits."""
    batcher = Batcher(backend, BatchLimits(max_batch_rows=2, max_batches=2, max_queue_rows=16))
    async with backend.held():
        task = submit(batcher, ALL[:6])
        await backend.wait_for_batches(2)
        await turn_of_the_loop()
        assert (2, 2) == (batcher.running_batches, batcher.waiting_rows)
    await task


async def test_shutdown_answers_what_was_admitted(batcher: Batcher, backend: HeldBackend) -> None:
    """Closing refuses newcomers and returns once running and waiting requests have their answers."""
    async with backend.held():
        running = submit(batcher, image(0))
        await backend.wait_for_batches(1)
        waiting = submit(batcher, image(1))
        await turn_of_the_loop()
        closing = asyncio.get_running_loop().create_task(batcher.close(grace_s=600))
        await turn_of_the_loop()
        with pytest.raises(NotReadyError, match="shutting down"):
            await submit(batcher, image(2))
    await closing

    assert [1, 1] == backend.batch_sizes
    for number, task in enumerate((running, waiting)):
        assert np.array_equal(fake_codes(image(number)), (await task).outputs["codes"])


async def test_shutdown_refuses_what_outlasts_its_grace(batcher: Batcher, backend: HeldBackend) -> None:
    """Closing returns after its grace although the backend hangs, and everybody inside is told."""
    async with backend.held():
        running = submit(batcher, image(0))
        await backend.wait_for_batches(1)
        waiting = submit(batcher, image(1))
        await turn_of_the_loop()
        await batcher.close(grace_s=0)
        for task in (running, waiting):
            with pytest.raises(NotReadyError, match="shut down"):
                await task


async def test_abandoned_rows_are_counted_off_when_a_batch_forms(batcher: Batcher, backend: HeldBackend) -> None:
    """Rows that are turned out as a batch forms free their places too, so that the queue never fills with ghosts."""
    async with backend.held():
        first = submit(batcher, image(0))
        await backend.wait_for_batches(1)
        deadline = PassingDeadline(far().at_s)
        late = submit(batcher, ALL[:16], deadline=deadline)
        await turn_of_the_loop()
        deadline.is_over = True
    with pytest.raises(DeadlineExceededError):
        await late
    await first

    assert 0 == batcher.waiting_rows
    assert np.array_equal(fake_codes(ALL[:16]), (await submit(batcher, ALL[:16])).outputs["codes"])


async def test_backend_hears_of_the_latest_deadline(
    batcher: Batcher, backend: HeldBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hurried neighbour does not cut the others' time short."""
    heard: list[Deadline] = []
    answer = backend.run

    async def listen(call: Call, rows: Rows, deadline: Deadline, origins: Sequence[Origin]) -> Answer:
        heard.append(deadline)
        return await answer(call, rows, deadline)

    monkeypatch.setattr(backend, "run", listen)
    deadlines = [Deadline.after(seconds) for seconds in (500, 700, 600)]
    await asyncio.gather(*(submit(batcher, image(1), deadline=deadline) for deadline in deadlines))

    assert [deadlines[1]] == heard


async def test_parts_are_joined_in_order_however_they_return() -> None:
    """The second part of a request may be answered before the first."""
    gates = [asyncio.Event(), asyncio.Event()]

    class Racing(HeldBackend):
        async def _wait(self) -> None:
            await gates[len(self.batches) - 1].wait()

    backend = Racing()
    batcher = Batcher(backend, BatchLimits(max_batch_rows=2, max_batches=2, max_queue_rows=16))
    task = submit(batcher, ALL[:4])
    await turn_of_the_loop()
    gates[1].set()
    await turn_of_the_loop()
    gates[0].set()

    assert np.array_equal(fake_codes(ALL[:4]), (await task).outputs["codes"])


async def test_request_that_runs_again_goes_first(batcher: Batcher, backend: HeldBackend) -> None:
    """A cut request that met two versions is not sent to the end of the line, and its rows are counted."""
    async with backend.held():
        cut = submit(batcher, ALL[:12])
        await backend.wait_for_batches(1)
        backend.versions.append(2)
        behind = submit(batcher, ALL[20:28])
        await turn_of_the_loop()
    await asyncio.gather(cut, behind)

    assert 0 == batcher.waiting_rows
    assert [8, 8, 8, 4, 4] == backend.batch_sizes
    assert np.array_equal(ALL[:8], backend.batches[2][1])


async def test_large_requests_have_a_lane_of_their_own(backend: HeldBackend) -> None:
    """A small request is answered while a large one fills every place of the bulk lane."""
    limits = BatchLimits(max_batch_rows=8, max_batches=1, max_queue_rows=64)
    bulk_backend = HeldBackend()
    lanes = Lanes(Batcher(backend, limits), Batcher(bulk_backend, limits), max_small_rows=8)
    async with bulk_backend.held():
        large = asyncio.ensure_future(lanes.submit(ENCODE_CALL, ALL[:9], far()))
        await bulk_backend.wait_for_batches(1)
        small = await lanes.submit(ENCODE_CALL, image(7), far())
        assert np.array_equal(fake_codes(image(7)), small.outputs["codes"])
        assert not large.done()
    assert 9 == len((await large).outputs["codes"])
    await lanes.submit(ENCODE_CALL, ALL[:8], far())
    await lanes.close(grace_s=1)

    assert ([1, 8], [8, 1]) == (backend.batch_sizes, bulk_backend.batch_sizes)
    for rows in (ALL[:8], ALL[:9]):
        with pytest.raises(NotReadyError):
            await lanes.submit(ENCODE_CALL, rows, far())


async def test_backend_hears_where_the_requests_of_a_batch_came_from(batcher: Batcher, backend: HeldBackend) -> None:
    """One origin for each request in the batch, in its order."""
    origins = [Origin("a"), Origin("b", "00-trace"), Origin("c")]
    async with backend.held():
        first = submit(batcher, image(9))
        await backend.wait_for_batches(1)
        waiting = [
            asyncio.create_task(batcher.submit(ENCODE_CALL, image(number), far(), origin))
            for number, origin in enumerate(origins)
        ]
        await turn_of_the_loop()
    await asyncio.gather(first, *waiting)

    assert origins == list(backend.origins[1])
