"""How long each piece of the service's work takes, from what its probe and two more saw."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.scaling.durations import Durations
from bench.scaling.work import Table, Work


@dataclass(frozen=True, slots=True)
class Costs:
    """Measured times to draw from.

    Attributes:
        loop: Work of the event loop, by (1, requests read, 1 if batches came back, answers given).
        model: A call of the model for single images, by (1, rows).
        bulk_model: The same for a large request, by (1, requests).
        wakes_s: (n,) until a sleeping thread runs.
        handling_s: (m,) that the client takes for one answer.
        bulk_turn_s: What the event loop takes for a large request beyond a small one, on average.
        rng: Draws.
    """

    loop: Durations
    model: Durations
    bulk_model: Durations
    wakes_s: Sequence[float]
    handling_s: Sequence[float]
    bulk_turn_s: float
    rng: random.Random

    def draw_wake_s(self) -> float:
        """Until a sleeping thread runs, once."""
        return self.rng.choice(self.wakes_s)

    def draw_handling_s(self) -> float:
        """What the client takes for an answer, once."""
        return self.rng.choice(self.handling_s)


def fit_costs(work: Work, wakes_s: Table, handling_s: Table, bulk: Work | None = None, seed: int = 1) -> Costs:
    """Costs from measurements.

    Args:
        work: Of a service that was asked for single images.
        wakes_s: (n,) until a sleeping thread runs.
        handling_s: (m,) that the client takes for an answer.
        bulk: Of a service that was asked for large requests, one after the other; None: there will be none.
        seed: Of what is drawn.
    """
    rng = random.Random(seed)  # noqa: S311 - a simulation
    loop = Durations(size_turns(work.loop), _measure(work.loop), rng)
    singles, large = _pick_calls(work), _pick_calls(work if bulk is None else bulk)
    model = Durations(np.column_stack([np.ones(len(singles)), singles[:, 2]]), _measure(singles), rng)
    # By the request, however many rows one has.
    bulk_model = Durations(np.column_stack([np.zeros(len(large)), np.ones(len(large))]), _measure(large), rng)
    bulk_turn_s = 0.0 if bulk is None else float(_measure(bulk.loop).sum() / len(large))
    return Costs(loop, model, bulk_model, wakes_s.tolist(), handling_s.tolist(), bulk_turn_s, rng)


def size_turns(loop: Table) -> Table:
    """(n, 4) of the event loop's records: what there was to do, as `Costs.loop` wants it."""
    return np.column_stack([np.ones(len(loop)), loop[:, 2], loop[:, 3] > 0, loop[:, 3]])


def _pick_calls(work: Work) -> Table:
    """Calls of the model; other work in its threads has no rows."""
    return work.model[work.model[:, 2] > 0]


def _measure(records: Table) -> Table:
    return records[:, 1] - records[:, 0]
