"""Single images with and without a caller of large requests beside them, as `bench.fairness` asks for them."""

import asyncio
from collections.abc import Iterator

import numpy as np

from bench.fairness import Load, ask_singles, bulk_caller
from bench.speed.helper import Helper
from bench.speed.sample import Sample
from bench.speed.systems import System

_CALLERS = 16
_WARM_UP_S = 1.0


def measure_neighbours(system: System, helper: Helper, rounds: int, seconds: float) -> Iterator[tuple[Sample, Sample]]:
    """In each round so many seconds without, and then with the large requests."""
    load = Load(system.port, _CALLERS, 0.0, "reconstruct")
    helper.call(ask_alone, load, _WARM_UP_S)
    for _ in range(rounds):
        yield helper.call(ask_alone, load, seconds), helper.call(ask_beside, load, seconds)


def ask_alone(load: Load, seconds: float) -> Sample:
    """Single images alone."""
    times_s = np.array(asyncio.run(ask_singles(load, seconds)))
    return Sample(len(times_s) / seconds, times_s)


def ask_beside(load: Load, seconds: float) -> Sample:
    """Single images beside requests of 4,096 images, back to back."""
    with bulk_caller(load):
        return ask_alone(load, seconds)
