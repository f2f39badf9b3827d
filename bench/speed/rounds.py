"""All contestants in turn, load by load, in as many rounds as are wanted."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from bench.speed.contestants import Contestant
from bench.speed.loads import Load
from bench.speed.sample import Key, Round, Sample

_Each = TypeVar("_Each")


def measure_rounds(
    contestants: Sequence[Contestant],
    loads: Sequence[Load],
    rounds: int,
    seconds: float,
    say: Callable[[str], None],
) -> Iterator[Round]:
    """Measure round by round.

    Args:
        contestants: Whatever the order; those that need what others showed come last.
        loads: Within a load the contestants follow each other, so that a machine that drifts is the same for all.
        rounds: How often.
        seconds: For each contestant and load.
        say: Hears how it goes.
    """
    for number in range(rounds):
        samples: dict[Key, Sample] = {}
        for load in loads:
            for contestant in _order(contestants, load, number):
                samples[contestant.name, load.name] = contestant.measure(load, seconds, samples)
            say(f"round {number + 1} of {rounds}, {load.name}: {_describe(samples, load)}")
        yield samples


def rotate(items: Sequence[_Each], number: int) -> list[_Each]:
    """The same items in a circle, beginning elsewhere in each round: who comes first must not matter."""
    first = number % len(items) if items else 0
    return [*items[first:], *items[:first]]


def _order(contestants: Sequence[Contestant], load: Load, number: int) -> list[Contestant]:
    takers = [each for each in contestants if each.takes(load)]
    free = [each for each in takers if not each.needs_others]
    return [*rotate(free, number), *(each for each in takers if each.needs_others)]


def _describe(samples: Round, load: Load) -> str:
    return ", ".join(
        f"{system} {sample.rate:,.0f}/s" for (system, name), sample in samples.items() if name == load.name
    )
