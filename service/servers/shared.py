"""What all connections of one HTTP server share."""

import asyncio
from collections import Counter

from uvicorn.server import ServerState

from service.settings import HttpSettings


class SharedState(ServerState):
    """uvicorn's own, and what it lacks.

    Attributes:
        settings: Times and limits.
        is_leaving: True once every answer tells its caller to leave.
        shaking_hands: Connections that are accepted and cannot speak HTTP yet.
        turned_away: Connections that were one too many and are being told so.
        ended: How many connections were ended against their caller's will since the last report, by why.
    """

    def __init__(self, settings: HttpSettings) -> None:
        super().__init__()
        self.settings = settings
        self.is_leaving = False
        self.shaking_hands: set[asyncio.Protocol] = set()
        self.turned_away: set[asyncio.Protocol] = set()
        self.ended: Counter[str] = Counter()

    def count(self) -> int:
        """Connections that are open, without those that are being turned away."""
        return len(self.connections) + len(self.shaking_hands) - len(self.turned_away)
