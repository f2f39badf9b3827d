"""Tells traces what a batcher does, beside whoever else is told."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from service.batching import BatchObserver
from service.domain import Call, Origin, Signature
from service.observability.traces import Traces


@dataclass(frozen=True, slots=True)
class TracedBatches:
    """Observes one batcher for two; implements `service.batching.BatchObserver`.

    Attributes:
        inner: Is told everything too.
        traces: Makes the spans.
    """

    inner: BatchObserver
    traces: Traces

    def note_wait(self, origin: Origin, seconds: float) -> None:
        """See `BatchObserver.note_wait`."""
        self.inner.note_wait(origin, seconds)
        self.traces.note_wait(origin, seconds)

    def note_batch(self, signature: Signature, rows: int, seconds: float) -> None:
        """See `BatchObserver.note_batch`."""
        self.inner.note_batch(signature, rows, seconds)

    def follow_batch(
        self, call: Call, rows: int, origins: Sequence[Origin]
    ) -> AbstractContextManager[Sequence[Origin]]:
        """See `BatchObserver.follow_batch`."""
        return self.traces.follow_batch(call, rows, origins)
