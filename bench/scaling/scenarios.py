"""What the simulation is asked: p50 and p99 against load, policy and what stands there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from bench.scaling.costs import Costs, fit_costs
from bench.scaling.open_load import plan_arrivals
from bench.scaling.plant import Plant, Policy
from bench.scaling.simulate import simulate
from bench.scaling.windows import Measured
from bench.scaling.work import Table, Work

_REQUESTS = 60_000
_LEAST_S = 2.0
# Beyond it a system does not keep up, and the figure says how long was simulated.
_MOST_MS = 100.0
_BULK_PER_S = 20.0
_ONE, _OURS = Plant(), Policy()
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a picture.

    Attributes:
        picture: Which.
        name: Of the line.
        rates: Single images per second.
        p50_ms: At each rate.
        p99_ms: At each rate.
        rows: Requests in a batch, on average, at each rate.
    """

    picture: str
    name: str
    rates: list[float]
    p50_ms: list[float]
    p99_ms: list[float]
    rows: list[float]


@dataclass(frozen=True, slots=True)
class Setting:
    """What one line is drawn for.

    Attributes:
        picture: Which picture it belongs to.
        name: Of the line.
        plant: What stands there.
        policy: How batches are formed.
        bulk_per_s: Requests of 256 images beside the single ones.
        scale: The largest rate, in capacities of one process.
    """

    picture: str
    name: str
    plant: Plant = _ONE
    policy: Policy = _OURS
    bulk_per_s: float = 0.0
    scale: float = 1.0


def list_settings(call_s: float, thin_factor: float) -> list[Setting]:
    """Every line of every picture.

    Args:
        call_s: What a call of a model server takes beyond the model.
        thin_factor: Work of a gateway's loop before one, as a multiple.
    """
    pool = partial(Plant, call_s=call_s, thin_factor=thin_factor)
    before = Policy(max_batches=4)
    return [
        Setting("load", "single images"),
        Setting("load", f"beside {_BULK_PER_S:.0f} requests/s of 256 images", bulk_per_s=_BULK_PER_S),
        Setting("policy", "what waits leaves, up to 64 (ours)"),
        Setting("policy", "up to 8", policy=Policy(8)),
        Setting("policy", "one by one", policy=Policy(1)),
        Setting("policy", "wait 1 ms for more", policy=Policy(64, 0.001)),
        Setting("policy", "wait 5 ms for more", policy=Policy(64, 0.005)),
        *(
            Setting("replicas", f"{count} x gateway with the model", Plant(count), scale=count)
            for count in (1, 2, 4, 8)
        ),
        *(
            Setting("pool", f"8 gateways, {count} model servers", pool(8, count), before, scale=8 / thin_factor)
            for count in (1, 2, 4)
        ),
        Setting("pool", "the same, 2, each gateway with 1 call at a time", pool(8, 2), scale=8 / thin_factor),
    ]


def pool_costs(measured: Measured) -> Costs:
    """Costs from all windows, without the client's part."""
    windows = measured.windows
    work = Work(*(np.concatenate([getattr(each.work, part) for each in windows]) for part in ("loop", "model")))
    wakes_s = np.concatenate([each.wakes_s for each in windows])
    return fit_costs(work, wakes_s, np.zeros(1), measured.bulk)


def draw_curve(setting: Setting, costs: Costs, capacity: float, requests: int = _REQUESTS) -> Curve:
    """Simulate one line; ends where the system does not keep up.

    Args:
        setting: What stands there and how it works.
        costs: Measured times.
        capacity: Answers per second of one process.
        requests: At each rate, or as many as come in two seconds.
    """
    points = []
    for share in _SHARES:
        points.append(_simulate(setting, costs, share * capacity * setting.scale, requests))
        if points[-1][2] > _MOST_MS:
            break
    rates, p50_ms, p99_ms, rows = (list(column) for column in zip(*points, strict=True))
    return Curve(setting.picture, setting.name, rates, p50_ms, p99_ms, rows)


def _simulate(setting: Setting, costs: Costs, rate: float, requests: int) -> tuple[float, float, float, float]:
    seconds = max(requests / rate, _LEAST_S)
    left_s, is_bulk = _mix(rate, setting.bulk_per_s, seconds)
    run = simulate(costs, left_s, setting.plant, setting.policy, is_bulk)
    waits_ms = (run.answered_s - left_s)[~np.array(is_bulk)] * 1e3
    p50_ms, p99_ms = np.percentile(waits_ms, [50, 99])
    return rate, float(p50_ms), float(p99_ms), float(np.mean(run.batches))


def _mix(rate: float, bulk_per_s: float, seconds: float) -> tuple[Table, Sequence[bool]]:
    """When requests come, and which of them are large."""
    small_s, bulk_s = plan_arrivals(rate, seconds, 1), plan_arrivals(bulk_per_s, seconds, 2)
    left_s = np.concatenate([small_s, bulk_s])
    order = np.argsort(left_s)
    return left_s[order], (order >= len(small_s)).tolist()
