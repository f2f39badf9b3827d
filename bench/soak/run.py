"""Runs one soak: measures what the service can do, then offers twice that while versions are published."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.load.catalogue import SHARES
from bench.load.digits import Digits, learn_answers
from bench.load.verdict import Outcome
from bench.running import RunningService, running_service
from bench.soak.arrivals import Mix
from bench.soak.caller import CallerPlan, ClosedPhase, OpenPhase
from bench.soak.crew import Crew, calling_crew
from bench.soak.publishing import Publisher, publishing
from bench.soak.record import Record
from bench.soak.report import render_head, render_line
from bench.soak.tally import Tally
from bench.soak.watching import count_unfinished, take_sample, wait_until_settled
from service.domain import Images

# Enough to keep every batch of a small service full, too few to fill its queue.
_CLOSED_CALLERS = 24
# The time in which callers' ends reach the service, and its pools let idle work go.
_SETTLE_S = 15.0
_DIGEST = 10
# After each image's own digits only the largest size asks for more.
_SPARE_IMAGES = 88


class LoadFaultError(Exception):
    """The service failed before it was under more load than it can take."""


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """What to do.

    Attributes:
        seconds: How long the load lasts.
        capacity_s: How long the measurement before it lasts.
        publish_s: Seconds between two published versions.
        overload: The load, in capacities.
        processes: Of the load.
        sizes: Rows that requests may have.
        mix: What some requests are up to.
        model: The version's directory that is served, in copies.
        seed: Of everything that is chosen by chance.
    """

    seconds: float
    capacity_s: float = 15.0
    publish_s: float = 60.0
    overload: float = 2.0
    processes: int = 2
    sizes: Sequence[int] = tuple(SHARES)
    mix: Mix = field(default_factory=Mix)
    model: Path = Path("models/digits/1")
    seed: int = 1

    @property
    def images(self) -> int:
        """How many different images are asked about."""
        return max(self.sizes) + _SPARE_IMAGES


def soak(plan: SoakPlan, images: Images, default_timeout_s: float, show: Callable[[str], None]) -> Record:
    """Run it.

    Args:
        plan: What to do.
        images: At least as many as the plan wants.
        default_timeout_s: What the service gives a request that names no time.
        show: Takes what is to be told meanwhile.
    """
    with publishing(plan.model) as publisher:
        settings = {"DIGITCODEC_MODEL__ROOT": str(publisher.root), "DIGITCODEC_MODEL__KEEP_VERSIONS": "2"}
        with running_service(settings) as service:
            show(f"asking for {plan.images} images one by one")
            digits = learn_answers(service, images[: plan.images])
            plans = [_plan_caller(service, digits, plan, default_timeout_s, number) for number in range(plan.processes)]
            with calling_crew(plans) as crew:
                return _load(service, crew, publisher, plan, show)


def _plan_caller(
    service: RunningService, digits: Digits, plan: SoakPlan, default_timeout_s: float, number: int
) -> CallerPlan:
    seed = int(np.random.SeedSequence((plan.seed, number)).generate_state(1)[0])
    return CallerPlan(service.url, service.grpc, default_timeout_s, digits, plan.sizes, seed)


def _load(
    service: RunningService, crew: Crew, publisher: Publisher, plan: SoakPlan, show: Callable[[str], None]
) -> Record:
    idle = take_sample(service)
    capacity = _measure_capacity(crew, plan)
    show(f"capacity: {capacity:.0f} requests/s\n{render_head()}")
    before = wait_until_settled(service, idle.files, _SETTLE_S)
    record = Record(capacity, plan.overload * capacity, plan.seconds, before, published=publisher.published)
    phase = OpenPhase(plan.seconds, record.rate / plan.processes, plan.mix)
    began_s = time.monotonic()
    for tally in crew.run(phase):
        at_s = time.monotonic() - began_s
        record.note(at_s, tally, take_sample(service))
        if plan.publish_s * len(publisher.published) <= at_s < plan.seconds:
            publisher.publish(at_s)
        if len(record.seconds) % _DIGEST == 0:
            show(render_line(record.seconds[-_DIGEST:]))
    record.after = wait_until_settled(service, before.files, _SETTLE_S)
    record.unfinished = count_unfinished(service)
    return record


def _measure_capacity(crew: Crew, plan: SoakPlan) -> float:
    """Right answers per second to callers who wait for each.

    Raises:
        LoadFaultError: If anything else comes back.
    """
    total = Tally()
    for tally in crew.run(ClosedPhase(plan.capacity_s, _CLOSED_CALLERS)):
        total.add(tally)
    if total.offered != total.count(Outcome.RIGHT):
        raise LoadFaultError(f"without overload: {dict(total.ends)} {total.faults}")
    return total.count(Outcome.RIGHT) / plan.capacity_s
