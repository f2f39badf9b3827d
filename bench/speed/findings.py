"""What a bench finds: ratios of what was measured in the same round, and the bars that some are held against."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.soak.bars import Bar
from bench.speed.contestants import SESSION, STUB
from bench.speed.loads import Load
from bench.speed.sample import Round, Sample, find_spread
from bench.speed.systems import FLOOR, NAIVE, OURS, THIN

Compare = Callable[[Sample, Sample], float]

_ONE, _MANY = 1, 64
# against what has no model, against the graph alone, behind a model server.
_FLOOR_LIMIT = 1.1
_P50_LIMIT = 1.6
_RATE_LIMIT = 0.6
_THIN_LIMIT = 0.45
_HOP_LIMIT_MS = 0.6
_NEIGHBOUR_LIMIT = 3.0
_MEMORY_LIMIT = 1.05


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure, round by round.

    Attributes:
        name: What, in words.
        values: Of each round; at least one.
        limit: The most that the median may be, or the least if `is_floor`; None where nothing is asked.
        is_floor: The limit is a least one.
        load: Where the same is found for many loads: which one.
    """

    name: str
    values: tuple[float, ...]
    limit: float | None = None
    is_floor: bool = False
    load: str = ""

    @property
    def median(self) -> float:
        """What is held against the limit."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """How far the rounds lie apart, in medians."""
        return find_spread(self.values)

    @property
    def bar(self) -> Bar:
        """The same as others judge it."""
        return Bar(self.name, self.median, self.limit, self.is_floor)


def compare_rates(left: Sample, right: Sample) -> float:
    """Images per second, as a ratio."""
    return left.rate / right.rate


def compare_p50(left: Sample, right: Sample) -> float:
    """Medians of the times, as a ratio."""
    return left.find_ms(50) / right.find_ms(50)


def compare_p99(left: Sample, right: Sample) -> float:
    """99th percentiles of the times, as a ratio."""
    return left.find_ms(99) / right.find_ms(99)


def subtract_p50(left: Sample, right: Sample) -> float:
    """What the median is longer by, in ms."""
    return left.find_ms(50) - right.find_ms(50)


def compare_processor(left: Sample, right: Sample) -> float:
    """Processor time of a request, as a ratio; not a number where it is not known, or too short for the clock."""
    return left.processor_us / right.processor_us if left.processor_us and right.processor_us else math.nan


def compare(rounds: Sequence[Round], load: str, systems: tuple[str, str], how: Compare) -> tuple[float, ...]:
    """The figure of each round in which both systems met the load; the second system is what the first is held to."""
    left, right = ((system, load) for system in systems)
    return tuple(how(each[left], each[right]) for each in rounds if left in each and right in each)


def find_ratios(rounds: Sequence[Round], loads: Sequence[Load]) -> list[Finding]:
    """Everything that comes from the rounds, the asked-for figures first."""
    return [
        each
        for each in (*_find_asked(rounds), *_find_more(rounds, loads))
        if each.values and not any(map(math.isnan, each.values))
    ]


def find_growth(alone_and_beside: Sequence[tuple[Sample, Sample]]) -> Finding:
    """What a caller of large requests does to single images."""
    values = tuple(compare_p99(beside, alone) for alone, beside in alone_and_beside)
    return Finding("p99 at c=16 beside requests of 4,096 images / without", values, _NEIGHBOUR_LIMIT)


def find_memory_growth(early_mib: float, late_mib: float, early: int, late: int) -> Finding:
    """What requests leave behind."""
    return Finding(f"memory after {late:,} requests / after {early:,}", (late_mib / early_mib,), _MEMORY_LIMIT)


def _find_asked(rounds: Sequence[Round]) -> Iterator[Finding]:
    one, many = Load("encode", _ONE).name, Load("encode", _MANY).name
    clean = Load("reconstruct", _ONE).name
    yield Finding(
        f"images/s, {many}: ours / bare floor",
        compare(rounds, many, (OURS, FLOOR), compare_rates),
        _FLOOR_LIMIT,
        is_floor=True,
    )
    for load in (one, clean):
        values = compare(rounds, load, (OURS, SESSION), compare_p50)
        yield Finding(f"p50, {load}: ours / direct session", values, _P50_LIMIT)
    yield Finding(
        f"images/s, {many}: ours / direct session at the same batch size",
        compare(rounds, many, (OURS, SESSION), compare_rates),
        _RATE_LIMIT,
        is_floor=True,
    )
    yield Finding(
        f"images/s, {many}: thin gateway / ours",
        compare(rounds, many, (THIN, OURS), compare_rates),
        _THIN_LIMIT,
        is_floor=True,
    )
    values = compare(rounds, one, (THIN, STUB), subtract_p50)
    yield Finding(f"p50, {one}: thin gateway - direct stub, ms", values, _HOP_LIMIT_MS)


def _find_more(rounds: Sequence[Round], loads: Sequence[Load]) -> Iterator[Finding]:
    for name in (load.name for load in loads):
        for other in (NAIVE, FLOOR):
            pair = (OURS, other)
            yield Finding(f"images/s, ours / {other}", compare(rounds, name, pair, compare_rates), load=name)
            yield Finding(f"p99, ours / {other}", compare(rounds, name, pair, compare_p99), load=name)
