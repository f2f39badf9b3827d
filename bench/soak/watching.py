"""What a service takes from the machine, read from Linux's /proc, and what it says that it still has to do."""

import os
import re
import time
import urllib.request
from dataclasses import dataclass

from bench.running import RunningService

_QUIET = ("digitcodec_queue_rows", "digitcodec_running_batches")
_LOOK_INTERVAL_S = 0.25
_SCRAPE_LIMIT_S = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the process.

    Attributes:
        memory_mib: Resident memory.
        threads: How many there are.
        files: Open files and sockets.
    """

    memory_mib: float
    threads: int
    files: int


def take_sample(service: RunningService) -> Sample:
    """Look at the process now."""
    status = service.read_proc("status")
    threads = int(status.partition("Threads:")[2].split()[0])
    return Sample(service.memory_mib(), threads, len(os.listdir(f"/proc/{service.process.pid}/fd")))  # noqa: PTH208 - a count


def wait_until_settled(service: RunningService, files: int, limit_s: float) -> Sample:
    """Look until no more files are open than that, or the time is over; returns the last look."""
    end_s = time.monotonic() + limit_s
    while (sample := take_sample(service)).files > files and time.monotonic() < end_s:
        time.sleep(_LOOK_INTERVAL_S)
    return sample


def count_unfinished(service: RunningService) -> int:
    """Requests under way beside the one that asks, rows that wait and batches that run, by the metrics."""
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=_SCRAPE_LIMIT_S) as answer:  # noqa: S310 - our own http URL
        text = answer.read().decode()
    return round(_sum(text, "digitcodec_inflight_requests") - 1 + sum(_sum(text, name) for name in _QUIET))


def _sum(text: str, name: str) -> float:
    values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, values))
