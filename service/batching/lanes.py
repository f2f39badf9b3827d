"""Two batchers before one backend: large requests must not stand in front of small ones."""

import asyncio
from collections.abc import Awaitable

from service.batching.batcher import Batcher
from service.domain import UNKNOWN_ORIGIN, Answer, Call, Deadline, Origin, Rows

# What a digit takes as a small file; as plain bytes it takes 784.
_BYTES_PER_ROW = 256


class Lanes:
    """Sends a request to the small or to the bulk batcher, by its number of rows."""

    def __init__(self, small: Batcher, bulk: Batcher, max_small_rows: int) -> None:
        self._small = small
        self._bulk = bulk
        self._max_small_rows = max_small_rows
        self._small_bytes = max_small_rows * _BYTES_PER_ROW

    @property
    def by_name(self) -> dict[str, Batcher]:
        """Both batchers."""
        return {"small": self._small, "bulk": self._bulk}

    def check_room(self, size_bytes: int | None, caller: str) -> None:
        """Refuse a request before it is read, if its lane has no place for its caller.

        To read a request only to refuse it costs most of what answering it would, and under overload there is nothing
        to spare. How many rows are in its bytes is not known yet: few bytes are taken for a small request, and what may
        be either is refused only if neither lane has a place.

        Args:
            size_bytes: How long it is; None where nobody knows, or it is compressed.
            caller: Whose it is.

        Raises:
            OverloadedError: As `submit`.
        """
        refusal = self._small.find_refusal(caller)
        if refusal is None:
            return
        is_small = size_bytes is not None and size_bytes <= self._small_bytes
        if is_small or self._bulk.find_refusal(caller) is not None:
            raise refusal

    def submit(self, call: Call, rows: Rows, deadline: Deadline, origin: Origin = UNKNOWN_ORIGIN) -> Awaitable[Answer]:
        """Run the call in the lane that suits the request; see `Batcher.submit`."""
        lane = self._bulk if len(rows) > self._max_small_rows else self._small
        return lane.submit(call, rows, deadline, origin)

    async def close(self, grace_s: float) -> None:
        """Close both lanes side by side; see `Batcher.close`."""
        await asyncio.gather(self._small.close(grace_s), self._bulk.close(grace_s))
