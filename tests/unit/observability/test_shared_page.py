"""One page of metrics for several workers, each of which writes into files that all of them read.

The workers of these tests live one after the other in one process, as the library looks for the files of a metric
when it is made.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import values
from support.fakes import FakeBackend, HeldBackend
from support.http_door import build_codec
from support.scrape import Scrape

from service.observability.metrics import Metrics
from service.observability.requests import Outcome
from service.observability.shared import SharedPage, forget_worker

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Holds the files of all workers; afterwards metrics are this process's own again."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    yield tmp_path
    values.close_all_multiprocess_files()  # type: ignore[no-untyped-call]


def start_worker(folder: Path, number: int, *, is_replacement: bool = False, is_ready: bool = True) -> Metrics:
    """The metrics of a worker with a core."""
    metrics = Metrics(SharedPage(number, folder, is_replacement=is_replacement))
    backend = FakeBackend()
    backend.is_closed = not is_ready
    build_codec(backend, metrics=metrics)
    return metrics


def work(metrics: Metrics, requests: int) -> None:
    """Take note of requests, each with scores of twenty images."""
    for _ in range(requests):
        metrics.requests.begin()
        metrics.requests.end("http", "score", 200, None, Outcome(0.25))
        scores = np.linspace(0, 1, 20, dtype=np.float32)
        metrics.scores.note(np.full(20, 0.003, np.float32), scores, scores == 1)


def find_requests(scrape: Scrape) -> float:
    """Requests that were counted."""
    return scrape.find("digitcodec_requests_total", door="http", operation="score", code="200")


def test_every_worker_shows_what_all_have_counted(folder: Path) -> None:
    """Counters and histograms are summed, arrays of values too, in a form that the strict parser takes."""
    first = start_worker(folder, 1)
    work(first, 3)
    second = start_worker(folder, 2)
    work(second, 4)
    Scrape(first)  # twice a second each worker writes for the others what it has counted; a look does so, too
    pages = [Scrape(second), Scrape(first)]

    assert [7, 7] == [find_requests(page) for page in pages]
    assert [140, 140] == [page.find("digitcodec_anomaly_score_count") for page in pages]
    assert [70, 70] == [page.find("digitcodec_anomaly_score_bucket", le="0.5") for page in pages]
    assert [7 * 0.25] * 2 == [
        page.find("digitcodec_request_seconds_sum", door="http", operation="score") for page in pages
    ]


def test_gauges_tell_of_all_living_workers(folder: Path) -> None:
    """One that is not ready is enough for a no; memory is shown for each and for all."""
    first = start_worker(folder, 1)
    Scrape(first)
    both = Scrape(start_worker(folder, 2, is_ready=False))
    forget_worker(2, folder)
    alone = Scrape(first)

    assert (2, 0) == (both.find("digitcodec_workers"), both.find("digitcodec_ready"))
    assert [8192, 4096] == [page.find("digitcodec_queue_limit_rows", lane="small") for page in (both, alone)]
    assert {"1", "2"} == both.list_values("digitcodec_worker_resident_bytes", "worker")
    assert both.find("process_resident_memory_bytes") == sum(
        both.find("digitcodec_worker_resident_bytes", worker=number) for number in "12"
    )
    assert (1, 1) == (alone.find("digitcodec_workers"), alone.find("digitcodec_ready"))
    assert {"1"} == alone.list_values("digitcodec_worker_resident_bytes", "worker")


def test_successor_counts_on_from_a_dead_worker(folder: Path) -> None:
    """Nothing goes backwards, no file is added however often a worker dies, and what was under way then is not now."""
    first = start_worker(folder, 1)
    work(first, 3)
    first.requests.begin()
    before, files = Scrape(first), sorted(path.name for path in folder.iterdir())
    forget_worker(1, folder)
    successor = start_worker(folder, 1, is_replacement=True)
    work(successor, 1)
    after = Scrape(successor)

    assert (3, 4) == (find_requests(before), find_requests(after))
    assert (1, 0) == (before.find("digitcodec_inflight_requests"), after.find("digitcodec_inflight_requests"))
    assert (0, 1) == (before.find("digitcodec_worker_restarts_total"), after.find("digitcodec_worker_restarts_total"))
    assert after.find("process_cpu_seconds_total") >= before.find("process_cpu_seconds_total") > 0
    assert files == sorted(path.name for path in folder.iterdir())


async def test_worker_whose_doors_are_closed_is_not_seen(folder: Path) -> None:
    """A worker that still loads its model does not make the service look as if it were not ready."""
    start_worker(folder, 1, is_ready=False)
    second = start_worker(folder, 2)
    page = Scrape(second)

    assert (1, 1) == (page.find("digitcodec_workers"), page.find("digitcodec_ready"))


async def test_open_worker_is_seen_without_being_asked(folder: Path) -> None:
    """It writes how it is on its own, from the opening of its doors on."""
    page = SharedPage(1, folder, is_replacement=False)
    build_codec(HeldBackend(), metrics=Metrics(page))
    async with page.keep_fresh():
        other = Scrape(start_worker(folder, 2))

    assert 2 == other.find("digitcodec_workers")


def test_what_workers_have_more_is_documented(folder: Path) -> None:
    """All metrics of a single process are there, and docs/metrics.md has the others with type and labels."""
    alone, shared = Scrape(Metrics()), Scrape(start_worker(folder, 1))
    rows = re.findall(
        r"^\| `(digitcodec_worker\w+)` \|([^|]*)\| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    more = {
        name: ({label for sample in family.samples for label in sample.labels}, family.type)
        for name, family in shared.families.items()
        if name.startswith("digitcodec_worker")
    }

    assert more == {name: (set(re.findall(r"\w+", labels)), kind) for name, labels, kind in rows}
    assert {name for name, family in alone.families.items() if family.samples} <= set(shared.families)
