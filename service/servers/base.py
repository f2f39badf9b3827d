"""What every server promises to whoever starts and stops it."""

from typing import Protocol


class CannotListenError(Exception):
    """An address cannot be had."""


class Server(Protocol):
    """Answers on its sockets until it is told to stop."""

    async def serve(self) -> None:
        """Answer; returns once `stop` was called and what was running has its answer, or its grace is over."""

    def stop(self) -> None:
        """Take nothing new from now on."""
