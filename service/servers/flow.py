"""When a connection is read from: uvicorn's, with a bound on the bodies that wait behind other requests."""

import asyncio
from collections import deque

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl

from service.servers.cycle import Cycle


class Flow(FlowControl):
    """Reads no more while a body waits that is large and whose turn has not come: uvicorn's reads on at each turn."""

    def __init__(self, transport: asyncio.Transport, pipeline: deque[tuple[Cycle, ASGI3Application]]) -> None:
        """Begin to read.

        Args:
            transport: Of the connection.
            pipeline: Requests that wait for their turn, the newest one first.
        """
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        """Read on, if there is room; else whoever is the last in the pipeline does so when its turn comes."""
        if not self._pipeline or self._pipeline[0][0].waiting_bytes <= HIGH_WATER_LIMIT:
            super().resume_reading()
