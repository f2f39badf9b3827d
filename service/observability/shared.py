"""Metrics of several worker processes on one page, by prometheus-client's files in a folder that all of them share.

What is counted is summed by the library. What is read at the moment somebody looks would be that of the asked worker
alone: each worker writes its own into the files every half second, so that it is shared too; and with it what it has
counted and not told the library yet.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

from prometheus_client import PROCESS_COLLECTOR, CollectorRegistry, Counter, Gauge, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

_REFRESH_S = 0.5

# The library finds the folder by this name when a metric is made.
_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

# What the workers' values become. Counters are summed; what is not here and no counter is shown by the asked worker.
_MODES: dict[str, Literal["livemax", "livemin", "livesum"]] = {
    "digitcodec_inflight_bytes": "livesum",
    "digitcodec_queue_limit_rows": "livesum",
    "digitcodec_queue_rows": "livesum",
    "digitcodec_ready": "livemin",
    "digitcodec_running_batches": "livesum",
    "digitcodec_worker_resident_bytes": "livesum",
    "digitcodec_workers": "livesum",
    # Each has a limit of its own: the fullest one matters.
    "process_max_fds": "livemin",
    "process_open_fds": "livemax",
    "process_resident_memory_bytes": "livesum",
    "process_start_time_seconds": "livemin",
    "process_virtual_memory_bytes": "livesum",
}


def forget_worker(number: int, folder: Path) -> None:
    """Take away a dead worker's gauges; what it counted stays, and its successor counts on from there."""
    mark_process_dead(number, str(folder))  # type: ignore[no-untyped-call]


class SharedPage:
    """Of one of several workers; implements `Page`, and shows what all of them do."""

    def __init__(self, number: int, folder: Path, *, is_replacement: bool) -> None:
        """Join; the one page of a process, made before its metrics.

        Args:
            number: Place of this worker among all, which its successor takes over: names its files.
            folder: Holds the files of all.
            is_replacement: A worker before this one had the same place.
        """
        _count_into(folder, number)
        self.counted = CollectorRegistry()
        self._collectors: list[Collector] = [_WorkerCollector(number)]
        self._metrics: dict[str, _SharedGauge | _SharedCounter] = {}
        self._own: list[Metric] = []
        self._shown = CollectorRegistry()
        self._shown.register(MultiProcessCollector(None, str(folder)))  # type: ignore[no-untyped-call]
        self._shown.register(_OwnFamilies(self._own))
        restarts = Counter(
            "digitcodec_worker_restarts", "Workers that took the place of one that ended.", registry=None
        )
        restarts.inc(is_replacement)

    def add(self, collector: Collector) -> None:
        """Show what this reads at the moment somebody looks, as it is in all workers."""
        self._collectors.append(collector)

    def read(self) -> CollectorRegistry:
        """What all workers have written; of this one as it is now."""
        self._refresh()
        return self._shown

    @asynccontextmanager
    async def keep_fresh(self) -> AsyncIterator[None]:
        """Write for the others how this worker is, as long as the block lasts: while its doors are open."""
        self._refresh()
        refreshing = asyncio.create_task(self._refresh_for_ever())
        try:
            yield
        finally:
            refreshing.cancel()
            with suppress(asyncio.CancelledError):
                await refreshing
            self._refresh()

    async def _refresh_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_S)
            self._refresh()

    def _refresh(self) -> None:
        self._own.clear()
        for collector in self._collectors:
            for family in collector.collect():
                if family.type == "counter" or family.name in _MODES:
                    self._share(family)
                else:
                    self._own.append(family)

    def _share(self, family: Metric) -> None:
        if family.name not in self._metrics and family.samples:
            self._metrics[family.name] = _SharedCounter(family) if family.type == "counter" else _SharedGauge(family)
        if family.samples:
            self._metrics[family.name].write(family)


class _SharedGauge:
    """A gauge of this worker in the files."""

    def __init__(self, family: Metric) -> None:
        self._gauge = Gauge(
            family.name,
            family.documentation,
            tuple(family.samples[0].labels),
            registry=None,
            multiprocess_mode=_MODES[family.name],
        )

    def write(self, family: Metric) -> None:
        """Its values now."""
        for sample in family.samples:
            child = self._gauge.labels(**sample.labels) if sample.labels else self._gauge
            child.set(sample.value)


class _SharedCounter:
    """A counter of this worker in the files, where it goes on from what the worker before it counted."""

    def __init__(self, family: Metric) -> None:
        self._counter = Counter(family.name, family.documentation, tuple(family.samples[0].labels), registry=None)
        self._counted: dict[tuple[str, ...], float] = {}

    def write(self, family: Metric) -> None:
        """Add what was counted since the last time."""
        for sample in family.samples:
            if sample.name.endswith("_total"):
                key = tuple(sample.labels.values())
                child = self._counter.labels(**sample.labels) if sample.labels else self._counter
                child.inc(sample.value - self._counted.get(key, 0.0))
                self._counted[key] = sample.value


class _WorkerCollector(Collector):
    """Tells that this worker is there, and what it holds."""

    def __init__(self, number: int) -> None:
        self._number = number

    def collect(self) -> Iterator[Metric]:
        """One worker, and its memory."""
        yield GaugeMetricFamily("digitcodec_workers", "Workers whose doors are open.", value=1)
        resident = GaugeMetricFamily(
            "digitcodec_worker_resident_bytes", "Memory that a worker holds.", labels=["worker"]
        )
        for family in PROCESS_COLLECTOR.collect():
            if family.name == "process_resident_memory_bytes":
                resident.add_metric([str(self._number)], family.samples[0].value)
        yield resident


class _OwnFamilies(Collector):
    """What only the asked worker knows, as last read."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """The families of the list."""
        yield from self._families


def _count_into(folder: Path, number: int) -> None:
    """From now on keep the values of metrics in files of the folder.

    They bear the worker's number, not the process's: a worker that takes a dead one's place adds to its files, so that
    their number stays small.
    """
    os.environ[_FOLDER_VARIABLE] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
