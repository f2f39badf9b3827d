"""Loads in turns on a service under its probe: what callers waited, and what its threads did meanwhile."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.running import RunningService, running_service
from bench.scaling.open_load import Sent, plan_arrivals, send_when_due
from bench.scaling.wakes import measure_wakes
from bench.scaling.work import Table, Work, read_work
from bench.speed import client
from bench.speed.helper import Helper, helper_process
from bench.speed.loads import Load, render_requests
from service.domain import Images

SINGLES, BULK = Load("encode", 64), Load("encode", 1, 256)

# A machine that stands still for a third of a second must not leave a request without one.
_CONNECTIONS = 2048
_CAPACITY_S, _WARM_S = 1.0, 0.3
# What a burst at the beginning leaves behind is over by then.
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        shares: Loads, as shares of the capacity.
        rounds: How often each.
        seconds: How long each time.
        seed: Of the times at which requests come.
    """

    shares: Sequence[float]
    rounds: int
    seconds: float
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Window:
    """One load for a few seconds.

    Attributes:
        share: Of the capacity that was measured just before.
        rate: Requests per second.
        sent: What callers saw.
        wakes_s: (n,) until a sleeping thread ran, meanwhile.
        work: What the service was busy with, meanwhile.
    """

    share: float
    rate: float
    sent: Sent
    wakes_s: Table
    work: Work


@dataclass(frozen=True, slots=True)
class Measured:
    """All windows of a run.

    Attributes:
        windows: Of single images, round by round.
        bulk: What the service did while one caller sent requests of 256 images.
        capacities: (rounds x shares) answers per second to 64 callers who ask without a pause.
    """

    windows: list[Window]
    bulk: Work
    capacities: list[float]


def probed_service(record: Path) -> AbstractContextManager[RunningService]:
    """A service under its probe; `record` is there when it has stopped."""
    return running_service(module=("bench.scaling.probe", str(record)))


def measure(plan: Plan, digits: Images, say: Callable[[str], None]) -> Measured:
    """Measure everything; takes (seconds + 2) x shares x rounds, and half a minute."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "work.npz"
        with helper_process() as caller, helper_process() as sleeper, probed_service(record) as service:
            bench = _Bench(service, caller, sleeper, digits)
            bench.warm_up()
            seen = [bench.observe(plan, number, share) for number, share in _list_turns(plan, say)]
            bulk_s = bench.send_bulk(plan.seconds)
        work = read_work(record)
    windows = [
        Window(share, rate, sent, wakes_s, work.between(sent.due_s[0], sent.due_s[-1]))
        for share, rate, sent, wakes_s in seen
    ]
    return Measured(windows, work.between(*bulk_s), [window.rate / window.share for window in windows])


def _list_turns(plan: Plan, say: Callable[[str], None]) -> Iterator[tuple[int, float]]:
    for number in range(plan.rounds):
        say(f"round {number + 1} of {plan.rounds}")
        for place, share in enumerate(plan.shares):
            yield plan.seed + number * len(plan.shares) + place, share


class _Bench:
    """A service, and two processes beside it: the callers, and a thread that sleeps."""

    def __init__(self, service: RunningService, caller: Helper, sleeper: Helper, digits: Images) -> None:
        self._port = int(service.url.rpartition(":")[2])
        self._caller, self._sleeper = caller, sleeper
        self._requests = render_requests(SINGLES, digits, "/encode")
        self._bulk = render_requests(BULK, digits, "/encode")

    def warm_up(self) -> None:
        """Let everything have run once."""
        self._sleeper.call(measure_wakes, _WARM_S)
        self._measure_capacity()

    def observe(self, plan: Plan, seed: int, share: float) -> tuple[float, float, Sent, Table]:
        """Send a share of what the service can do now: share, requests per second, what callers saw, wakes."""
        rate = self._measure_capacity() * share
        due_s = plan_arrivals(rate, plan.seconds + _SETTLE_S, seed)
        with ThreadPoolExecutor(1) as executor:
            wakes = executor.submit(self._sleeper.call, measure_wakes, plan.seconds + _SETTLE_S)
            sent = self._caller.call(send_when_due, self._port, self._requests, due_s, _CONNECTIONS)
            return share, rate, sent.drop(_SETTLE_S), wakes.result()

    def send_bulk(self, seconds: float) -> tuple[float, float]:
        """Let one caller send large requests; from when until when."""
        began_s = time.monotonic()
        self._caller.call(client.ask, self._port, self._bulk, BULK.callers, seconds)
        return began_s, time.monotonic()

    def _measure_capacity(self) -> float:
        asked = self._caller.call(client.ask, self._port, self._requests, SINGLES.callers, _CAPACITY_S, _WARM_S)
        return len(asked.times_s) / asked.seconds
