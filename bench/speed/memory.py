"""What a million requests leave in memory."""

from collections.abc import Callable
from pathlib import Path

from bench.speed import client
from bench.speed.findings import Finding, find_memory_growth
from bench.speed.helper import Helper
from bench.speed.loads import Load, render_requests
from bench.speed.systems import our_system
from service.domain import Images

EARLY, LATE = 10_000, 1_000_000

_LOAD = Load("encode", 64)
# A part ends well before a helper gives up waiting, on slow machines too.
_PART = 50_000


def measure_memory(
    root: Path, helper: Helper, digits: Images, say: Callable[[str], None], early: int = EARLY, late: int = LATE
) -> Finding:
    """Ask a fresh service so often; its resident memory late against early.

    Args:
        root: Folder of models.
        helper: Where the load comes from.
        digits: What is sent.
        say: Hears how it goes.
        early: Requests before the first look.
        late: Requests before the second one, the first ones included.
    """
    requests = render_requests(_LOAD, digits, "/encode")
    with our_system(root) as system:
        (service,) = system.processes
        seen_mib = []
        for target, done in ((early, 0), (late, early)):
            for first in range(done, target, _PART):
                count = min(_PART, target - first)
                helper.call(client.ask_often, system.port, requests, _LOAD.callers, count)
                say(f"memory after {first + count:,} requests: {service.memory_mib():.1f} MiB")
            seen_mib.append(service.memory_mib())
    return find_memory_growth(seen_mib[0], seen_mib[1], early, late)
