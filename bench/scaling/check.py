"""Holds the simulation against the service: the same requests, sent and simulated."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.scaling.costs import fit_costs
from bench.scaling.simulate import simulate
from bench.scaling.windows import Window
from bench.scaling.work import Table

TOLERANCE = 0.25
"""How far the simulated p99 may be from the measured one, as a share of it."""

# One run has as many slow answers as the measured one, and as much luck.
_RUNS = 5
_PERCENTILES = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One load; medians over the rounds.

    Attributes:
        share: Of the capacity.
        rate: Requests per second.
        measured_ms: p50, p90 and p99 of what callers waited.
        simulated_ms: The same of the simulation, with what the service did at this load.
        crossed_ms: The same, with what the service did in the round's other windows.
        measured_p99_ms: Round by round.
        simulated_p99_ms: Round by round.
    """

    share: float
    rate: float
    measured_ms: list[float]
    simulated_ms: list[float]
    crossed_ms: list[float]
    measured_p99_ms: list[float]
    simulated_p99_ms: list[float]

    @property
    def ratio(self) -> float:
        """Simulated p99 / measured p99."""
        return self.simulated_ms[-1] / self.measured_ms[-1]

    @property
    def holds(self) -> bool:
        """Whether the simulation is near enough."""
        return abs(self.ratio - 1) <= TOLERANCE


def compare(windows: Sequence[Window]) -> list[Comparison]:
    """Each load measured and simulated, by rising load.

    Args:
        windows: As many of each share, round by round.
    """
    shares = sorted({window.share for window in windows})
    rounds = [windows[first : first + len(shares)] for first in range(0, len(windows), len(shares))]
    return [_compare(share, rounds) for share in shares]


def _compare(share: float, rounds: Sequence[Sequence[Window]]) -> Comparison:
    found = [_compare_round(share, windows) for windows in rounds]
    measured, simulated, crossed = (np.array([each[place] for each in found]) for place in range(3))
    return Comparison(
        share=share,
        rate=statistics.median(each.rate for windows in rounds for each in windows if each.share == share),
        measured_ms=np.median(measured, axis=0).tolist(),
        simulated_ms=np.median(simulated, axis=0).tolist(),
        crossed_ms=np.median(crossed, axis=0).tolist(),
        measured_p99_ms=measured[:, -1].tolist(),
        simulated_p99_ms=simulated[:, -1].tolist(),
    )


def _compare_round(share: float, windows: Sequence[Window]) -> tuple[Table, Table, Table]:
    """Percentiles in ms: measured, simulated, and simulated with what the service did at another load."""
    (window,) = (each for each in windows if each.share == share)
    (other, *_) = [each for each in windows if each is not window] or [window]
    measured: Table = np.percentile(window.sent.waits_s, _PERCENTILES) * 1e3
    return measured, _simulate_ms(window, window), _simulate_ms(window, other)


def _simulate_ms(window: Window, source: Window) -> Table:
    """Percentiles of the window's requests, with the costs of a source."""
    sent, began_s = window.sent, window.sent.due_s[0]
    runs = []
    for seed in range(_RUNS):
        costs = fit_costs(source.work, source.wakes_s, source.sent.handling_s, seed=seed)
        answered_s = simulate(costs, sent.left_s - began_s).answered_s
        runs.append(np.percentile(answered_s - (sent.due_s - began_s), _PERCENTILES) * 1e3)
    middle: Table = np.median(runs, axis=0)
    return middle


def render(comparisons: Sequence[Comparison]) -> str:
    """A Markdown table."""
    head = (
        "load, of capacity",
        "requests/s",
        "measured p50, p99, ms",
        "simulated p50, p99, ms",
        "p99: ratio",
        "crossed",
    )
    lines = [f"| {' | '.join(head)} |", f"|{' ---: |' * len(head)}"]
    for each in comparisons:
        crossed = each.crossed_ms[-1] / each.measured_ms[-1]
        lines.append(
            f"| {each.share:.0%} | {each.rate:,.0f} | {_join(each.measured_ms)} | {_join(each.simulated_ms)} "
            f"| {each.ratio:.2f} | {crossed:.2f} |"
        )
    return "\n".join(lines)


def _join(values: Sequence[float]) -> str:
    return f"{values[0]:.1f}, {values[-1]:.1f}"
