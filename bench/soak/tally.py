"""What callers have seen, counted; travels between processes and adds up."""

from collections import Counter
from dataclasses import dataclass, field

from bench.load.verdict import FAULTS, Outcome, Verdict
from bench.words.ask import Door

# Texts of faults that are kept: enough to find out, not enough to drown in.
_MOST_TEXTS = 40

UNDER_LOAD = FAULTS | {Outcome.NOT_READY}
"""What must not happen to a service that is not told to stop."""


@dataclass(slots=True)
class Tally:
    """What happened in a stretch of time.

    Attributes:
        offered: Requests that were due.
        unsent: Of those, the ones that the load itself could not send.
        ends: Requests that ended, by door and outcome.
        rows: Images and codes in right answers.
        inexact: Right answers that differ in last bits from those to their images alone.
        latencies_s: Of right answers, from the moment at which each request was due.
        versions: Model versions that right answers named.
        faults: What was wrong, in words; the first few that differ.
        lag_s: How late the latest request was sent.
    """

    offered: int = 0
    unsent: int = 0
    ends: Counter[tuple[Door, Outcome]] = field(default_factory=Counter)
    rows: int = 0
    inexact: int = 0
    latencies_s: list[float] = field(default_factory=list)
    versions: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    lag_s: float = 0.0

    def note(self, door: Door, rows: int, verdict: Verdict, latency_s: float) -> None:
        """One request has ended."""
        self.ends[door, verdict.outcome] += 1
        if verdict.outcome is Outcome.RIGHT:
            self.rows += rows
            self.inexact += not verdict.is_exact
            self.latencies_s.append(latency_s)
            self.versions.add(verdict.version)
        elif verdict.outcome in UNDER_LOAD:
            self._keep(f"{door}, {verdict.outcome}: {verdict.text}")

    def add(self, other: "Tally") -> None:
        """Count what another has seen too."""
        self.offered += other.offered
        self.unsent += other.unsent
        self.ends.update(other.ends)
        self.rows += other.rows
        self.inexact += other.inexact
        self.latencies_s += other.latencies_s
        self.versions |= other.versions
        for text in other.faults:
            self._keep(text)
        self.lag_s = max(self.lag_s, other.lag_s)

    def count(self, *outcomes: Outcome) -> int:
        """Requests that ended so, through all doors."""
        return sum(number for (_, outcome), number in self.ends.items() if outcome in outcomes)

    def _keep(self, text: str) -> None:
        if len(self.faults) < _MOST_TEXTS and text not in self.faults:
            self.faults.append(text)
