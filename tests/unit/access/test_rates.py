"""Token buckets by a clock that stands until a test moves it."""

import pytest
from support.clock import Clock

from service.access import Rate, RateLimiter, rates
from service.errors import RateLimitedError


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


def refuse(limiter: RateLimiter, caller: str, rows: int) -> float:
    """The seconds after which another try will do."""
    with pytest.raises(RateLimitedError) as caught:
        limiter.charge(caller, rows)
    assert caught.value.retry_after_s is not None
    return caught.value.retry_after_s


def test_burst_and_then_the_rate(clock: Clock) -> None:
    """What a pause has saved may come at once; after that as much as time brings."""
    limiter = RateLimiter(Rate(10, 30), clock=clock)
    limiter.charge("a", 30)
    waits = [refuse(limiter, "a", 1), refuse(limiter, "a", 30)]
    clock.now_s += 0.5
    limiter.charge("a", 5)

    assert [0.1, 3.0] == pytest.approx(waits)
    assert 0.1 == pytest.approx(refuse(limiter, "a", 1))


def test_refused_costs_nothing(clock: Clock) -> None:
    """Who asks too early does not push the day further away."""
    limiter = RateLimiter(Rate(10, 10), clock=clock)
    limiter.charge("a", 10)

    assert [0.1] * 50 == pytest.approx([refuse(limiter, "a", 1) for _ in range(50)])


def test_refund_undoes_the_charge(clock: Clock) -> None:
    """Of a debt too; and nothing is won by it."""
    limiter = RateLimiter(Rate(10, 10), clock=clock)
    limiter.charge("a", 100)
    limiter.refund("a", 100)
    limiter.charge("a", 1)
    clock.now_s += 1
    limiter.refund("a", 1)
    limiter.refund("b", 1)
    limiter.charge("a", 10)

    assert 0.1 == pytest.approx(refuse(limiter, "a", 1))


def test_nobody_is_told_to_wait_longer_than_a_day(clock: Clock) -> None:
    """However small the rate: beyond that a protocol has no number for it."""
    limiter = RateLimiter(Rate(5e-324, 1), clock=clock)
    limiter.charge("a", 1)

    assert 86_400 == refuse(limiter, "a", 1)


def test_no_more_is_saved_than_the_burst(clock: Clock) -> None:
    """However long the pause."""
    limiter = RateLimiter(Rate(10, 10), clock=clock)
    limiter.charge("a", 10)
    clock.now_s += 1e6
    limiter.charge("a", 10)

    assert 0.1 == pytest.approx(refuse(limiter, "a", 1))


def test_request_larger_than_the_burst_passes_and_leaves_a_debt(clock: Clock) -> None:
    """Otherwise it never could; in the long run the rate holds."""
    limiter = RateLimiter(Rate(10, 10), clock=clock)
    limiter.charge("a", 100)
    wait_s = refuse(limiter, "a", 1)
    clock.now_s += wait_s + 1e-9
    limiter.charge("a", 1)

    assert 9.1 == pytest.approx(wait_s)


def test_callers_are_charged_apart(clock: Clock) -> None:
    """One who has sent too much takes nothing from the others."""
    limiter = RateLimiter(Rate(1, 1), clock=clock)
    limiter.charge("a", 1)
    refuse(limiter, "a", 1)
    limiter.charge("b", 1)


def test_own_rate_goes_before_the_common_one(clock: Clock) -> None:
    """And it may change while the service runs."""
    own = {"a": Rate(1, 5)}
    limiter = RateLimiter(Rate(1, 1), lambda: own, clock)
    limiter.charge("a", 5)
    refuse(limiter, "a", 1)
    own["a"] = Rate(1, 50)
    limiter.charge("a", 50)


def test_without_a_rate_all_passes(clock: Clock) -> None:
    """That is the default."""
    limiter = RateLimiter(None, clock=clock)
    for _ in range(100):
        limiter.charge("a", 4096)


def test_callers_of_long_ago_are_forgotten(clock: Clock) -> None:
    """A million addresses take no memory; one in debt is remembered."""
    limiter = RateLimiter(Rate(1, 1), clock=clock)
    limiter.charge("debtor", 10**6)
    for number in range(20_000):
        clock.now_s += 1.0
        limiter.charge(str(number), 1)

    assert len(limiter._buckets) <= 1025  # noqa: SLF001 - memory has no other witness
    refuse(limiter, "debtor", 1)


def test_debtors_are_looked_through_once_a_second(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """While thousands of addresses are in debt, the next one does not pay for a look at all of them."""
    seen: list[int] = []
    monkeypatch.setattr(rates._Bucket, "is_full", lambda _: seen.append(1))  # noqa: SLF001 - work has no other witness
    limiter, counts = RateLimiter(Rate(1, 1), clock=clock), []
    for seconds in (0.0, 1.0, 0.5):
        clock.now_s += seconds
        for number in range(2000):
            limiter.charge(f"{number} at {clock.now_s}", 100)
        counts.append(len(seen))

    assert [0, 2000, 2000] == counts
