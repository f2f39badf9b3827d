"""Who wants to know what a batcher does."""

from typing import Protocol

from service.domain import Signature


class BatchObserver(Protocol):
    """Is told, on the event loop and between two requests; must be quick."""

    def note_wait(self, seconds: float, /) -> None:
        """A batch took the first row of a request that had waited so long."""

    def note_batch(self, signature: Signature, rows: int, seconds: float) -> None:
        """A backend call has ended, well or not."""


class Unobserved:
    """Nobody wants to know."""

    def note_wait(self, seconds: float, /) -> None:
        """Forget it."""

    def note_batch(self, signature: Signature, rows: int, seconds: float) -> None:
        """Forget it."""
