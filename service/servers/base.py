"""What every server promises to whoever starts and stops it, and what they have in common."""

from typing import Protocol

from service.startup import CannotStartError

# Time for the answers that tell of the end of the grace.
FAREWELL_S = 2


class CannotListenError(CannotStartError):
    """An address cannot be had."""


class Server(Protocol):
    """Answers on its sockets until it is told to stop."""

    async def serve(self) -> None:
        """Answer; returns once `stop` was called and what was running has its answer, or its grace is over."""

    def announce(self) -> None:
        """Ask callers to go elsewhere; those who stay are still answered."""

    def stop(self) -> None:
        """Take nothing new from now on."""
