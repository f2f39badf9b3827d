"""Two batchers before one backend: large requests must not stand in front of small ones."""

import asyncio

from service.batching.batcher import Batcher
from service.domain import UNKNOWN_ORIGIN, Answer, Call, Deadline, Origin, Rows


class Lanes:
    """Sends a request to the small or to the bulk batcher, by its number of rows."""

    def __init__(self, small: Batcher, bulk: Batcher, max_small_rows: int) -> None:
        self._small = small
        self._bulk = bulk
        self._max_small_rows = max_small_rows

    @property
    def by_name(self) -> dict[str, Batcher]:
        """Both batchers."""
        return {"small": self._small, "bulk": self._bulk}

    async def submit(self, call: Call, rows: Rows, deadline: Deadline, origin: Origin = UNKNOWN_ORIGIN) -> Answer:
        """Run the call in the lane that suits the request; see `Batcher.submit`."""
        lane = self._bulk if len(rows) > self._max_small_rows else self._small
        return await lane.submit(call, rows, deadline, origin)

    async def close(self, grace_s: float) -> None:
        """Close both lanes side by side; see `Batcher.close`."""
        await asyncio.gather(self._small.close(grace_s), self._bulk.close(grace_s))
