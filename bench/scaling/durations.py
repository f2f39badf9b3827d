"""Measured durations of one kind of work, from which those of a simulation are drawn, tails included."""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

from bench.scaling.work import Table

# A duration is drawn from so many measured ones on either side of its size.
_NEIGHBOURS = 100
# What took longest beyond its size did not work all the time: the machine, or the interpreter's lock, had held it back.
_STALLED_SHARE = 0.02
_LEAST_S = 1e-7


class Durations:
    """Durations that grow with what there is to do.

    A line says what work of a size takes. How much quicker or slower work of about that size was is drawn from what was
    measured, and so are stalls: they come as often as they came in a second of work, and take what they took.
    """

    def __init__(self, sizes: Table, seconds: Table, rng: random.Random) -> None:
        """Fit the line.

        Args:
            sizes: (n, k), n >= 1: what there was to do, in k counts.
            seconds: (n,): how long it took.
            rng: Draws.
        """
        self._rng = rng
        weights, _ = nnls(sizes, seconds)
        for _ in range(2):  # the first line is drawn upwards by stalls
            excess = seconds - sizes @ weights
            is_stalled = excess > max(float(np.quantile(excess, 1 - _STALLED_SHARE)), 0.0)
            weights, _ = nnls(sizes[~is_stalled], seconds[~is_stalled])
        expected = sizes @ weights
        self.weights: list[float] = weights.tolist()
        self.stalls_s: list[float] = (seconds - expected)[is_stalled].tolist()
        self._stalls_per_s = len(self.stalls_s) / max(float(expected.sum()), _LEAST_S)
        self._due_stalls = rng.random()
        self._pack: list[float] = []
        self._keep(expected[~is_stalled], seconds[~is_stalled])

    def _keep(self, expected: Table, seconds: Table) -> None:
        """Keep how the times compare with the line, by size; where the line says nothing, there is nothing to draw."""
        ratios = np.divide(seconds, expected, out=np.ones_like(seconds), where=expected > _LEAST_S)
        order = np.argsort(expected)
        self._expected: list[float] = expected[order].tolist()
        self._ratios: list[float] = ratios[order].tolist()

    def expect_s(self, size: Sequence[float]) -> float:
        """What work of this size takes by the line."""
        return sum(weight * count for weight, count in zip(self.weights, size, strict=True))

    def draw_s(self, size: Sequence[float]) -> float:
        """What work of this size takes once."""
        expected_s = self.expect_s(size)
        # Counts are small, so many measured ones are of exactly this size.
        first = max(bisect_left(self._expected, expected_s) - _NEIGHBOURS, 0)
        last = min(bisect_right(self._expected, expected_s) + _NEIGHBOURS, len(self._expected))
        drawn_s = expected_s * self._ratios[self._rng.randrange(min(first, last - 1), last)]
        self._due_stalls += expected_s * self._stalls_per_s
        if self._due_stalls < 1:
            return drawn_s
        self._due_stalls -= 1
        return drawn_s + self._deal_stall_s()

    def _deal_stall_s(self) -> float:
        """The next stall, each as often as the others: a p99 may hang on one of them, and must not on luck."""
        if not self._pack:
            self._pack = self._rng.sample(self.stalls_s, len(self.stalls_s))
        return self._pack.pop()
