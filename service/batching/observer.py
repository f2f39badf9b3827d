"""Who wants to know what a batcher does."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from service.domain import Call, Origin, Signature


class BatchObserver(Protocol):
    """Is told, on the event loop and between two requests; must be quick."""

    def note_wait(self, origin: Origin, seconds: float) -> None:
        """A batch took the first row of a request of this origin, which had waited so long."""

    def note_batch(self, signature: Signature, rows: int, seconds: float) -> None:
        """A backend call has ended, well or not."""

    def follow_batch(
        self, call: Call, rows: int, origins: Sequence[Origin]
    ) -> AbstractContextManager[Sequence[Origin]]:
        """Lasts as long as a backend call for requests of these origins; gives the origins that the backend is told."""


class Unobserved:
    """Nobody wants to know."""

    def note_wait(self, origin: Origin, seconds: float) -> None:
        """Forget it."""

    def note_batch(self, signature: Signature, rows: int, seconds: float) -> None:
        """Forget it."""

    def follow_batch(
        self,
        call: Call,  # noqa: ARG002 - a `BatchObserver`
        rows: int,  # noqa: ARG002 - the same
        origins: Sequence[Origin],
    ) -> AbstractContextManager[Sequence[Origin]]:
        """Tell the backend what is true."""
        return nullcontext(origins)
