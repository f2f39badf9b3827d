"""Greedy callers beside modest ones, for a few seconds; turns are counted, since a busy machine may be slow.

`make fairness` measures the times of a real service.
"""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from support.fakes import FakeBackend, count_images, fake_codes

from service.backends.contract import ENCODE
from service.batching import Batcher, BatchLimits
from service.domain import Answer, Call, Deadline, Origin, Rows

CALL = Call("encode", ENCODE)
IMAGES = count_images(4096)
SECONDS = 2.0


class SlowBackend(FakeBackend):
    """Takes as long as a small model does, and knows which of its batches each request was first in.

    Attributes:
        turns: The number of that batch, by request id.
    """

    def __init__(self) -> None:
        super().__init__()
        self.turns: dict[str, int] = {}

    async def run(self, call: Call, rows: Rows, deadline: Deadline, origins: Sequence[Origin] = ()) -> Answer:
        """Answer after a while."""
        for origin in origins:
            self.turns.setdefault(origin.request_id, len(self.batches))
        answer = await super().run(call, rows, deadline, origins)
        await asyncio.sleep(0.0005 + 0.00003 * len(rows))
        return answer


@dataclass(frozen=True, slots=True)
class Lane:
    """A batcher, and what it runs."""

    backend: SlowBackend
    batcher: Batcher

    async def ask(self, caller: str, number: int, rows: int) -> int:
        """Send one request and check its answer; returns how many batches were formed before it had its first turn."""
        images = IMAGES[number % 64 :][:rows]
        origin = Origin(f"{caller}-{number}", caller=caller)
        formed = len(self.backend.batches)
        answer = await self.batcher.submit(CALL, images, Deadline.after(60), origin)

        assert np.array_equal(fake_codes(images), answer.outputs["codes"])
        return self.backend.turns[origin.request_id] - formed

    async def ask_back_to_back(self, caller: str, rows: int, *, side_by_side: int = 1) -> list[int]:
        """Keep so many requests under way for a few seconds; the turns that each of them waited for."""
        numbers, end_s = itertools.count(), time.monotonic() + SECONDS

        waits: list[int] = []

        async def ask_one_by_one() -> None:
            while time.monotonic() < end_s:
                waits.append(await self.ask(caller, next(numbers), rows))

        await asyncio.gather(*(ask_one_by_one() for _ in range(side_by_side)))
        return waits


def build_lane(max_batch_rows: int) -> Lane:
    """One batch at a time, of so many rows."""
    backend = SlowBackend()
    return Lane(backend, Batcher(backend, BatchLimits(max_batch_rows, max_batches=1, max_queue_rows=32768)))


@pytest.mark.parametrize(("rows", "side_by_side"), [(64, 40), (1, 1000)])
async def test_singles_leave_with_the_next_batches(rows: int, side_by_side: int) -> None:
    """Whatever one caller has waiting in their lane, fifty callers of single images wait for one batch, or two."""
    lane = build_lane(64)
    greedy, *singles = await asyncio.gather(
        lane.ask_back_to_back("greedy", rows, side_by_side=side_by_side),
        *(lane.ask_back_to_back(f"single {number}", 1) for number in range(50)),
    )

    assert max(map(max, singles)) <= 2
    assert max(greedy) > 2


async def test_hundred_images_do_not_wait_for_thousands() -> None:
    """In the lane of large requests, one of 100 rows has its turn beside those of 4,096, and these go on."""
    lane = build_lane(512)
    greedy, modest = await asyncio.gather(
        lane.ask_back_to_back("greedy", 4032, side_by_side=4), lane.ask_back_to_back("modest", 100)
    )

    assert max(modest) <= 2
    assert len(greedy) >= 4
