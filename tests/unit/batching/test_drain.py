"""The measured rate at which rows leave, with a clock that the test moves."""

import pytest
from support.clock import Clock

from service.batching.drain import DrainRate


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def rate(clock: Clock) -> DrainRate:
    """A rate that has measured nothing."""
    return DrainRate(clock)


def finish(rate: DrainRate, clock: Clock, rows: int, seconds: float) -> None:
    """Let one batch of so many rows take so long."""
    rate.resume()
    clock.now_s += seconds
    rate.note_finished(rows)


def test_before_anything_is_measured_it_is_a_second(rate: DrainRate) -> None:
    """However many wait."""
    assert (1.0, 1.0) == (rate.estimate_wait_s(0), rate.estimate_wait_s(10**6))


def test_wait_is_rows_by_rows_per_second(rate: DrainRate, clock: Clock) -> None:
    """Eight rows in two seconds: forty rows take ten."""
    finish(rate, clock, rows=8, seconds=2)

    assert pytest.approx(10) == rate.estimate_wait_s(40)


def test_idle_time_is_not_counted(rate: DrainRate, clock: Clock) -> None:
    """A quiet night makes nobody wait longer in the morning."""
    finish(rate, clock, rows=8, seconds=2)
    clock.now_s += 36_000
    finish(rate, clock, rows=8, seconds=2)

    assert pytest.approx(10) == rate.estimate_wait_s(40)


def test_batches_side_by_side_share_their_time(rate: DrainRate, clock: Clock) -> None:
    """Two that end in the same instant drain twice as fast as one."""
    finish(rate, clock, rows=8, seconds=2)
    rate.note_finished(8)

    assert 2 < rate.estimate_wait_s(20) < 3


def test_newer_batches_count_more(rate: DrainRate, clock: Clock) -> None:
    """A backend that became slow is known to be slow after some ten batches, and at once to be slower."""
    for _ in range(50):
        finish(rate, clock, rows=10, seconds=1)
    finish(rate, clock, rows=10, seconds=10)
    at_once = rate.estimate_wait_s(10)
    for _ in range(20):
        finish(rate, clock, rows=10, seconds=10)

    assert pytest.approx(1.9, abs=0.01) == at_once
    assert 8.5 < rate.estimate_wait_s(10) < 10


@pytest.mark.parametrize(("rows", "wait_s"), [(0, 0.1), (1, 0.1), (100, 10.0), (601, 60.0)])
def test_wait_is_bounded(rate: DrainRate, clock: Clock, rows: int, wait_s: float) -> None:
    """Never below a tenth of a second, and never above a minute."""
    finish(rate, clock, rows=1000, seconds=100 if rows > 1 else 1)

    assert pytest.approx(wait_s) == rate.estimate_wait_s(rows)
