"""Bytes that requests hold: within the bound, within the share of each caller, and given back."""

import pytest

from service.api.budget import ByteBudget, Holding
from service.errors import OverloadedError

SIZE = 100


def hold_all(budget: ByteBudget, caller: str) -> list[Holding]:
    """Requests of a hundred bytes of one caller, as many as it may have."""
    held: list[Holding] = []
    while True:
        holding = budget.open(caller)
        try:
            holding.take(SIZE)
        except OverloadedError:
            return held
        held.append(holding)


def test_one_caller_leaves_room_for_others() -> None:
    """Eight ninths are its own at most; the next caller finds the rest, and leaves a ninth of that."""
    budget = ByteBudget(90 * SIZE)
    counts = [len(hold_all(budget, caller)) for caller in ("a", "b", "c")]

    assert [80, 8, 1] == counts


def test_refusal_says_whose_bytes_are_too_many() -> None:
    """So that an operator can tell one caller's flood from too little memory."""
    budget = ByteBudget(90 * SIZE)
    hold_all(budget, "a")
    with pytest.raises(OverloadedError, match="8000 bytes of this caller's requests are held, 100 more came"):
        budget.open("a").take(SIZE)
    with pytest.raises(OverloadedError, match="8000 bytes of requests are held, 1001 more came, the limit is 9000"):
        budget.open("b").take(1001)


def test_nobody_in_particular_may_fill_it() -> None:
    """A Unix socket's callers have no names."""
    assert 90 == len(hold_all(ByteBudget(90 * SIZE), ""))


def test_a_single_request_may_be_as_large_as_what_is_free() -> None:
    """Also when it comes in pieces: a share is for those who have several."""
    budget = ByteBudget(1000)
    budget.open("b").take(300)
    single, second = budget.open("a"), budget.open("a")
    for _ in range(70):
        single.check(10)
        single.take(10)

    assert 1000 == budget.used
    single.let_go()
    second.take(300)
    single.take(300)
    with pytest.raises(OverloadedError, match="600 bytes of this caller's requests are held, 30 more came"):
        single.check(30)


def test_what_is_given_back_is_free_again() -> None:
    """For its caller as for others, once however often it is let go; callers who hold nothing are forgotten."""
    budget = ByteBudget(90 * SIZE)
    for holding in hold_all(budget, "a"):
        holding.let_go()
        holding.let_go()
    with budget.hold(SIZE, "b"):
        within = budget.used

    assert SIZE == within
    assert 80 == len(hold_all(budget, "a"))
    assert ["a"] == list(budget._used_by)  # noqa: SLF001 - memory has no other witness
