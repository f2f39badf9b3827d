"""Who is told of, and when."""

import asyncio
import time

import pytest

from service.survivors import Survivors

AFTER_S = 0.05


async def test_who_stays_is_told_of_once_after_one_to_two_times() -> None:
    """Whether it came first or later."""
    told: list[tuple[str, float]] = []
    came_s: dict[str, float] = {}
    survivors: Survivors[str] = Survivors(AFTER_S, lambda item: told.append((item, time.monotonic())))
    for name in ("first", "second", "third"):
        came_s[name] = time.monotonic()
        survivors.add(name)
        await asyncio.sleep(AFTER_S / 2)
    await asyncio.sleep(4 * AFTER_S)

    assert ["first", "second", "third"] == sorted(name for name, _ in told)
    assert all(at_s - came_s[name] >= 0.9 * AFTER_S for name, at_s in told)


async def test_who_is_gone_is_not_told_of() -> None:
    """Young or old."""
    told: list[str] = []
    survivors: Survivors[str] = Survivors(AFTER_S, told.append)
    survivors.add("old")
    await asyncio.sleep(1.5 * AFTER_S)
    survivors.add("young")
    survivors.remove("old")
    survivors.remove("young")
    survivors.remove("nobody")
    await asyncio.sleep(4 * AFTER_S)

    assert [] == told


@pytest.mark.parametrize(("delay_s", "may_miss"), [(0.0, True), (2 * AFTER_S, True), (2.1 * AFTER_S, False)])
def test_short_times_need_a_timer_of_their_own(delay_s: float, may_miss: bool) -> None:  # noqa: FBT001 - a parameter
    """They may be over before anybody is told."""
    assert may_miss == Survivors[str](AFTER_S, print).may_miss(delay_s)
