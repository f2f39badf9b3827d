"""When each request of an open load is due and what becomes of it, fixed before the first is sent.

So a slow service does not slow the load down, and waiting times are those of callers who come when they come.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bench.load.catalogue import Catalogue, Question


class Intent(StrEnum):
    """What a caller is up to."""

    ASK = "ask"
    BAD = "bad input"
    LEAVE = "leave early"
    HURRY = "tiny deadline"


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the requests that are no plain good ones, each in [0, 1].

    Attributes:
        bad: With bad input.
        leave: Whose caller closes early.
        hurry: With a deadline of 1 to 5 ms.
    """

    bad: float = 0.05
    leave: float = 0.05
    hurry: float = 0.01


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request to come.

    Attributes:
        at_s: When, from the beginning of the load.
        question: What is asked.
        intent: What the caller is up to.
        seconds: When they leave, or their deadline; 0 for the others.
    """

    at_s: float
    question: Question
    intent: Intent
    seconds: float


_INTENTS = (Intent.BAD, Intent.LEAVE, Intent.HURRY, Intent.ASK)
_SECONDS = {Intent.LEAVE: (0.0, 0.05), Intent.HURRY: (0.001, 0.005)}


def plan_arrivals(catalogue: Catalogue, rate: float, seconds: float, mix: Mix, seed: int) -> Iterator[Arrival]:
    """Requests that come independently of each other, in order of time.

    Args:
        catalogue: What may be asked.
        rate: Requests per second, on average.
        seconds: How long they come.
        mix: What some of them are up to.
        seed: Equal seeds plan equal arrivals.
    """
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, seconds, rng.poisson(rate * seconds)))
    good = rng.choice(len(catalogue.good), len(times), p=catalogue.weights)
    bad = rng.integers(0, len(catalogue.bad), len(times))
    shares = (mix.bad, mix.leave, mix.hurry, 1 - mix.bad - mix.leave - mix.hurry)
    intents = rng.choice(len(_INTENTS), len(times), p=shares)
    for at_s, good_index, bad_index, intent_index in zip(times, good, bad, intents, strict=True):
        intent = _INTENTS[intent_index]
        question = catalogue.bad[bad_index] if intent is Intent.BAD else catalogue.good[good_index]
        yield Arrival(float(at_s), question, intent, float(rng.uniform(*_SECONDS.get(intent, (0.0, 0.0)))))
