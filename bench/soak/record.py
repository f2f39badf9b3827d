"""What a soak has seen, second by second and in sum."""

from dataclasses import dataclass, field

import numpy as np

from bench.load.verdict import Outcome
from bench.soak.tally import UNDER_LOAD, Tally
from bench.soak.watching import Sample

REFUSALS = (Outcome.OVERLOADED, Outcome.EXPIRED)
"""Of good requests under load."""


@dataclass(frozen=True, slots=True)
class Second:
    """About one second of the load.

    Attributes:
        at_s: When it ended, from the beginning of the load.
        offered: Requests that were due in it.
        right: Right answers that came in it.
        refused: Refusals for want of room or time that came in it.
        faults: What must not happen.
        p99_s: The 99th percentile of the right answers' latencies; None without one.
        sample: The process at its end.
    """

    at_s: float
    offered: int
    right: int
    refused: int
    faults: int
    p99_s: float | None
    sample: Sample


@dataclass(slots=True)
class Record:
    """All of a soak.

    Attributes:
        capacity: Right answers per second that were measured before the load.
        rate: Requests per second that were to be offered.
        load_s: Seconds for which they came; the answers to the last ones come later.
        before: The process after that measurement, with no caller connected.
        total: Everything that was seen under load.
        seconds: The same by seconds.
        published: When each version was published.
        first_answers: When each version had answered for the first time.
        after: The process after the load, with no caller connected.
        unfinished: Requests, rows and batches that it still had then.
    """

    capacity: float
    rate: float
    load_s: float
    before: Sample
    total: Tally = field(default_factory=Tally)
    seconds: list[Second] = field(default_factory=list)
    published: dict[int, float] = field(default_factory=dict)
    first_answers: dict[int, float] = field(default_factory=dict)
    after: Sample | None = None
    unfinished: int | None = None

    def note(self, at_s: float, tally: Tally, sample: Sample) -> None:
        """Another second is over."""
        self.total.add(tally)
        for version in tally.versions - self.first_answers.keys():
            self.first_answers[version] = at_s
        right, refused = tally.count(Outcome.RIGHT), tally.count(*REFUSALS)
        p99_s = percentile(tally.latencies_s, 99)
        self.seconds.append(Second(at_s, tally.offered, right, refused, tally.count(*UNDER_LOAD), p99_s, sample))

    def memory_mib(self, from_s: float, to_s: float) -> float:
        """The median of the resident memory in a part of the load."""
        looks = [each.sample.memory_mib for each in self.seconds if from_s <= each.at_s <= to_s]
        return float(np.median(looks)) if looks else float("nan")


def percentile(latencies_s: list[float], share: float) -> float | None:
    """A percentile, or None of nothing."""
    return float(np.percentile(latencies_s, share)) if latencies_s else None
