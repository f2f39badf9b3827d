"""A service of several worker processes, seen from outside."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from bench.running import RunningService, running_service

T = TypeVar("T")

_LOOK_INTERVAL_S = 0.02
_LIMIT_S = 90.0


def wait_until(look: Callable[[], T | None]) -> T:
    """The first answer that is not None, asked for again and again."""
    end_s = time.monotonic() + _LIMIT_S
    while time.monotonic() < end_s:
        found = look()
        if found is not None:
            return found
        time.sleep(_LOOK_INTERVAL_S)
    raise AssertionError(f"no answer after {_LIMIT_S:.0f} s")


class WorkerService:
    """A running service, its log and its workers.

    Attributes:
        running: The service; its process is the first one.
    """

    def __init__(self, running: RunningService) -> None:
        self.running = running
        self._log = Path(f"/proc/{running.process.pid}/fd/1").resolve()

    def find_workers(self) -> dict[int, int]:
        """Process by number of the worker: of those that were started last."""
        return {line["worker"]: line["pid"] for line in self.read_lines("worker_started")}

    def read_lines(self, event: str) -> list[dict[str, Any]]:
        """The lines of one kind in the log so far."""
        lines = (json.loads(line) for line in self._log.read_text().splitlines(keepends=True) if line.endswith("\n"))
        return [line for line in lines if line["event"] == event]

    def find_answers(self, door: str, operation: str) -> list[int]:
        """Workers that answered requests of one kind well, in order."""
        return [
            line["worker"]
            for line in self.read_lines("request")
            if (line["door"], line["operation"], line["reason"]) == (door, operation, None)
        ]

    def scrape(self) -> dict[str, float]:
        """Sum of each metric over its labels, as any worker shows it; 0 if there is none."""
        accept = {"accept": "application/openmetrics-text"}
        text = httpx.get(f"{self.running.url}/metrics", headers=accept, timeout=30).text
        sums: dict[str, float] = defaultdict(float)
        for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
            for sample in family.samples:
                sums[sample.name] += sample.value
        return sums

    def wait_for_workers(self, count: int) -> None:
        """Return once so many have their doors open."""
        wait_until(lambda: True if self.scrape()["digitcodec_workers"] == count else None)


@contextmanager
def running_workers(settings: dict[str, str], count: int = 2) -> Iterator[WorkerService]:
    """A service whose workers have all opened their doors; every request leaves a line in its log."""
    more = {"DIGITCODEC_HTTP__WORKERS": str(count), "DIGITCODEC_OBSERVABILITY__REQUEST_LINES_PER_S": "1000000"}
    with running_service({**settings, **more}) as running:
        service = WorkerService(running)
        service.wait_for_workers(count)
        yield service


def is_gone(pid: int) -> bool:
    """Whether a process has ended, even if nobody has asked how."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
