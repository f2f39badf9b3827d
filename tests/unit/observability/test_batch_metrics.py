"""Queue and backend: what waits and runs now, and how long it took."""

import asyncio

import pytest
from support.fakes import FakeBackend, HeldBackend, count_images
from support.http_door import build_codec
from support.scrape import Scrape

from service.backends import contract
from service.batching import Batcher, BatchLimits, Unobserved
from service.domain import NEWEST, Call, Deadline, Origin, Signature
from service.errors import BackendError
from service.observability.metrics import Metrics

FAR = Deadline.after(600)
ENCODE = Call("encode", contract.ENCODE)


class Observer(Unobserved):
    """Keeps what a batcher reports."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.batches: list[tuple[str, int, float]] = []

    def note_wait(self, origin: Origin, seconds: float) -> None:
        """Keep it."""
        self.waits.append(seconds)

    def note_batch(self, signature: Signature, rows: int, seconds: float) -> None:
        """Keep it."""
        self.batches.append((signature, rows, seconds))


class SlowBackend(FakeBackend):
    """Every batch takes two seconds of a clock that the test reads."""

    now_s = 0.0

    async def _wait(self) -> None:
        self.now_s += 2.0


async def test_a_request_waits_once_however_often_it_is_cut() -> None:
    """From its admission to its first row; the second request waits for two batches of the first."""
    backend, observer = SlowBackend(), Observer()
    batcher = Batcher(backend, BatchLimits(4, 1, 64), lambda: backend.now_s, observer=observer)
    await asyncio.gather(*(batcher.submit(ENCODE, count_images(n), FAR) for n in (7, 2)))

    assert [0.0, 2.0] == observer.waits
    assert [("encode", 4, 2.0), ("encode", 4, 2.0), ("encode", 1, 2.0)] == observer.batches


async def test_failed_and_cancelled_calls_are_timed() -> None:
    """What the backend could not answer took its time all the same."""
    backend, observer = HeldBackend(), Observer()
    batcher = Batcher(backend, BatchLimits(4, 1, 64), observer=observer)
    leaving = asyncio.create_task(batcher.submit(ENCODE, count_images(1), FAR))
    await backend.entered.wait()
    leaving.cancel()
    await asyncio.wait({leaving})
    backend.gate.set()
    backend.failure = BackendError("no")
    with pytest.raises(BackendError):
        await batcher.submit(ENCODE, count_images(2), FAR)

    assert [("encode", 1), ("encode", 2)] == [batch[:2] for batch in observer.batches]
    assert 2 == len(observer.waits)


async def test_gauges_tell_what_waits_and_runs() -> None:
    """While the backend is held one batch of each lane runs, and the rest waits; afterwards nothing does."""
    backend, metrics = HeldBackend(), Metrics()
    codec = build_codec(backend, metrics=metrics)
    tasks = [asyncio.create_task(codec.score(count_images(n), NEWEST, FAR)) for n in (1, 100)]
    await backend.wait_for_batches(2)
    tasks += [asyncio.create_task(codec.score(count_images(n), NEWEST, FAR)) for n in (2, 3, 65)]
    await asyncio.sleep(0)  # one turn of the loop, in which they are admitted
    during = read_lanes(metrics)
    backend.gate.set()
    await asyncio.gather(*tasks)
    after = Scrape(metrics)

    assert {"small": (5, 1), "bulk": (65, 1)} == during
    assert {"small": (0, 0), "bulk": (0, 0)} == read_lanes(metrics)
    assert (5, 4) == (
        after.find("digitcodec_queue_seconds_count"),
        after.find("digitcodec_backend_seconds_count", signature="reconstruct"),
    )
    assert (2, 6, 2, 165) == tuple(
        after.find(f"digitcodec_batch_rows_{part}", lane=lane)
        for lane in ("small", "bulk")
        for part in ("count", "sum")
    )


def test_limits_of_the_queues_are_shown_beside_them() -> None:
    """So that an alert need not know the settings."""
    metrics = Metrics()
    build_codec(FakeBackend(), max_queue_rows=100, metrics=metrics)
    scrape = Scrape(metrics)

    assert (100, 8 * 4096) == tuple(scrape.find("digitcodec_queue_limit_rows", lane=lane) for lane in ("small", "bulk"))


def read_lanes(metrics: Metrics) -> dict[str, tuple[float, float]]:
    """Rows that wait and batches that run, by lane."""
    scrape = Scrape(metrics)
    return {
        lane: (
            scrape.find("digitcodec_queue_rows", lane=lane),
            scrape.find("digitcodec_running_batches", lane=lane),
        )
        for lane in ("small", "bulk")
    }
