"""Waiting rooms without a batcher: entries that nobody runs, and the batches that a room would make of them."""

import asyncio
import itertools
from collections.abc import Callable
from concurrent.futures import Future
from typing import cast

import numpy as np

from service.backends.contract import ENCODE, SCORE
from service.batching.drain import DrainRate
from service.batching.entry import Entry, Part
from service.batching.waiting import WaitingRoom
from service.domain import Answer, Call, Deadline, Origin

KINDS = (Call("encode", ENCODE), Call("reconstruct", SCORE))
FAR = Deadline.after(10**6)
BATCH_ROWS = 8
MAX_ROWS = 10_000


def build_room(max_rows: int = MAX_ROWS, clock: Callable[[], float] = lambda: 0.0) -> WaitingRoom:
    """An empty room that lets eight rows leave together."""
    return WaitingRoom(max_rows, BATCH_ROWS, DrainRate(clock))


class Arrivals:
    """Makes entries, in the order in which they are asked for."""

    def __init__(self) -> None:
        self._orders = itertools.count()

    def bring(self, caller: str, rows: int = 1, kind: int = 0) -> Entry:
        """One request of so many rows."""
        # It has all that an entry asks of its future, and no loop.
        result = cast("asyncio.Future[Answer]", Future())
        images = np.zeros((rows, 28, 28), np.uint8)
        return Entry(KINDS[kind], images, FAR, result, next(self._orders), Origin(caller=caller))


def admit_all(room: WaitingRoom, entries: list[Entry]) -> list[Entry]:
    """Admit them in order; returns them."""
    for entry in entries:
        room.admit(entry)
    return entries


def take_all(room: WaitingRoom) -> list[list[Part]]:
    """Every batch until nobody waits."""
    batches = []
    while room:
        batches.append(room.take())
    return batches
