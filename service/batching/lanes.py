"""Two batchers before one backend: large requests must not stand in front of small ones."""

import asyncio

from service.batching.batcher import Batcher
from service.domain import UNKNOWN_ORIGIN, Answer, Call, Deadline, Origin, Rows

# So many bytes hold 20 images as they are, and a hundred or so as files.
_SURELY_SMALL_BYTES = 16 * 2**10


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

    def check_room(self, size_bytes: int, caller: str) -> None:
        """Refuse a request before it is read, if its lane has no place for its caller.

        To read a request only to refuse it costs most of what answering it would, and under overload there is nothing
        to spare. How many rows are in so many bytes is not known yet: few bytes are a small request, and what may be
        either is refused only if neither lane has a place.

        Raises:
            OverloadedError: As `submit`.
        """
        refusal = self._small.find_refusal(caller)
        if refusal is not None and (size_bytes <= _SURELY_SMALL_BYTES or self._bulk.find_refusal(caller) is not None):
            raise refusal

    async def submit(self, call: Call, rows: Rows, deadline: Deadline, origin: Origin = UNKNOWN_ORIGIN) -> Answer:
        """Run the call in the lane that suits the request; see `Batcher.submit`."""
        lane = self._bulk if len(rows) > self._max_small_rows else self._small
        return await lane.submit(call, rows, deadline, origin)

    async def close(self, grace_s: float) -> None:
        """Close both lanes side by side; see `Batcher.close`."""
        await asyncio.gather(self._small.close(grace_s), self._bulk.close(grace_s))
