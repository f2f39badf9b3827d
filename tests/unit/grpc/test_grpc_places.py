"""How many calls of one kind there may be, and how many of one caller."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from service.api.grpc.calls import Places, RpcContext, TooManyCallsError


class Call:
    """A call that a test ends."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Any], None]] = []

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """As gRPC has it."""
        self._callbacks.append(callback)

    def end(self) -> None:
        """The call has ended."""
        for callback in self._callbacks:
            callback(self)


def enter(places: Places, caller: str) -> Call:
    """A call that has taken a place."""
    call = Call()
    places.take(cast("RpcContext", call), caller)
    return call


def test_caller_gets_eight_ninths_and_leaves_the_rest() -> None:
    """Whoever comes later finds a place."""
    places = Places(90, "calls")
    held = [enter(places, "greedy") for _ in range(80)]
    with pytest.raises(TooManyCallsError, match="80 calls of this caller are under way"):
        enter(places, "greedy")
    enter(places, "another")
    held[0].end()
    held[1].end()

    enter(places, "greedy")


def test_nobody_in_particular_may_take_all() -> None:
    """Those who come over a Unix socket are many callers; the limit is theirs too."""
    places = Places(3, "calls")
    held = [enter(places, "") for _ in range(3)]
    with pytest.raises(TooManyCallsError, match="3 calls are under way, the limit is 3"):
        enter(places, "another")
    held[0].end()

    enter(places, "another")


def test_last_place_is_for_who_has_none() -> None:
    """As in the queue."""
    places = Places(1, "calls")
    enter(places, "first").end()
    enter(places, "first")
    with pytest.raises(TooManyCallsError):
        enter(places, "second")
