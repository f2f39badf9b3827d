"""One measurement, and the same one over several rounds."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.speed.batches import Batches


@dataclass(frozen=True, slots=True)
class Sample:
    """One load on one system for a few seconds.

    Attributes:
        rate: Images per second.
        times_s: How long each answer took.
        processor_us: Processor time of the system for each request, where it was read.
        batches: What the system says that it made of them, if it does.
    """

    rate: float
    times_s: NDArray[np.float64]
    processor_us: float | None = None
    batches: Batches | None = None

    def find_ms(self, percentile: float) -> float:
        """A percentile of the times."""
        return float(np.percentile(self.times_s, percentile)) * 1e3


Key = tuple[str, str]
"""Names of a system and of a load."""

Round = Mapping[Key, Sample]


def collect(rounds: Sequence[Round], key: Key) -> list[Sample]:
    """The samples of a system and a load, round by round; empty where they did not meet."""
    return [samples[key] for samples in rounds if key in samples]


def find_spread(values: Sequence[float]) -> float:
    """(Largest - smallest) / median; 0 of one value."""
    median = statistics.median(values)
    return (max(values) - min(values)) / abs(median) if median else 0.0
