"""Tells of those that are still there after a while; to be there briefly costs a tenth of a timer."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Survivors(Generic[Item]):
    """Items of one event loop that come, and mostly go again soon.

    A request has several things to watch for, and each timer of the event loop costs it a microsecond. One timer here
    looks after all of them: items come into the young half, and when the timer ends are told of if they are in the old.
    """

    def __init__(self, after_s: float, tell: Callable[[Item], None]) -> None:
        """Begin with none.

        Args:
            after_s: Least time until an item is told of; the most is twice as long.
            tell: Is called once with each item that is still there; must not fail.
        """
        self._after_s = after_s
        self._tell = tell
        self._young: set[Item] = set()
        self._old: set[Item] = set()
        self._is_timed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that all of them are on; to ask Python for it costs a system call each time."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def may_miss(self, delay_s: float) -> bool:
        """Whether so short a time may be over before an item that is added now is told of."""
        return delay_s <= 2 * self._after_s

    def add(self, item: Item) -> None:
        """It is here from now on."""
        self._young.add(item)
        if not self._is_timed:
            self._look_later()

    def remove(self, item: Item) -> None:
        """It is gone, or was told of."""
        self._young.discard(item)
        self._old.discard(item)

    def _look_later(self) -> None:
        self._is_timed = True
        self.loop.call_later(self._after_s, self._look)

    def _look(self) -> None:
        told, self._old, self._young = self._old, self._young, set()
        self._is_timed = False
        if self._old:
            self._look_later()
        for item in told:
            self._tell(item)
