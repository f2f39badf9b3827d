"""The run: each target gets its share of the time, and the service is looked at again and again."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench.fuzz.cases import Case
from bench.fuzz.findings import save_finding
from bench.fuzz.health import HealthWatch
from bench.fuzz.http_targets import HTTP_TARGETS
from bench.fuzz.raw_targets import RAW_TARGETS
from bench.fuzz.replies import FindingError
from bench.fuzz.rpc_targets import RPC_TARGETS
from bench.fuzz.sending import Sender

TARGETS: Mapping[str, Callable[[Random], Case]] = {**HTTP_TARGETS, **RAW_TARGETS, **RPC_TARGETS}
"""Makers of cases by the name of the target."""

# So many findings of one target tell enough; the rest of its time would bring the same again.
_MAX_FINDINGS = 20
_CASES_PER_LOOK = 200
_PROGRESS_S = 10.0
# A server that a case has ended may take a few more connections before it shows.
_KEPT_CASES = 6


@dataclass(slots=True)
class Tally:
    """What came of one target.

    Attributes:
        name: The target.
        cases: How many were sent.
        statuses: How they were answered.
        findings: Files that hold those that were answered wrongly.
        slowest_ms: Longest wait for an answer.
    """

    name: str
    cases: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    findings: list[Path] = field(default_factory=list)
    slowest_ms: float = 0.0


def make_case(target: str, seed: int, index: int) -> Case:
    """The case of this number: the same for the same seed, whatever was made before."""
    return TARGETS[target](Random(f"{seed}/{target}/{index}"))  # noqa: S311 - repeatable damage, no secret


class Campaign:
    """Sends cases of all targets, and keeps what is wrong.

    Attributes:
        tallies: What came of each target.
        is_lost: True once a finding has left the service unwell; then nothing more is sent.
    """

    def __init__(self, sender: Sender, health: HealthWatch, folder: Path, seed: int) -> None:
        """Prepare.

        Args:
            sender: Sends and judges.
            health: Looks at the service.
            folder: Takes the findings.
            seed: Decides what is sent.
        """
        self.tallies = {name: Tally(name) for name in TARGETS}
        self.is_lost = False
        self._sender = sender
        self._health = health
        self._folder = folder
        self._seed = seed

    @property
    def findings(self) -> list[Path]:
        """All findings."""
        return [path for tally in self.tallies.values() for path in tally.findings]

    def run_round(self, seconds: float, tell: Callable[[str], None]) -> None:
        """Give each target its share of so many seconds; goes on where the last round ended."""
        for tally in self.tallies.values():
            for passed_s in self._run_target(tally, seconds / len(self.tallies)):
                tell(f"{tally.name}: {tally.cases} cases, {len(tally.findings)} findings, {passed_s:.0f} s")

    def _run_target(self, tally: Tally, seconds: float) -> Iterator[float]:
        """Send cases; yields the seconds that have passed, every few seconds and at the end."""
        began_s = told_s = time.monotonic()
        while time.monotonic() - began_s < seconds and len(tally.findings) < _MAX_FINDINGS and not self.is_lost:
            self._try_one(tally)
            if time.monotonic() - told_s > _PROGRESS_S:
                told_s = time.monotonic()
                yield told_s - began_s
        yield time.monotonic() - began_s

    def _try_one(self, tally: Tally) -> None:
        index, began_s = tally.cases, time.monotonic()
        case = make_case(tally.name, self._seed, index)
        tally.cases += 1
        try:
            tally.statuses[self._sender.send(case)] += 1
            tally.slowest_ms = max(tally.slowest_ms, (time.monotonic() - began_s) * 1e3)
            if index % _CASES_PER_LOOK == 0:
                self._health.check()
        except FindingError as error:
            first = max(0, index + 1 - _KEPT_CASES)
            cases = [make_case(tally.name, self._seed, number) for number in range(first, index + 1)]
            tally.findings.append(save_finding(self._folder, tally.name, index, cases, str(error)))
            self._look_closer()

    def _look_closer(self) -> None:
        """End the campaign if the service is no longer itself: what follows would say nothing new."""
        try:
            self._health.check()
        except FindingError:
            self.is_lost = True
