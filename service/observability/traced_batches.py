"""Tells traces what a batcher does, beside whoever else is told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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

    @contextmanager
    def follow_batch(self, call: Call, rows: int, origins: Sequence[Origin]) -> Iterator[Sequence[Origin]]:
        """See `BatchObserver.follow_batch`; the spans last as long as the call, whatever the other one does."""
        with (
            self.inner.follow_batch(call, rows, origins) as told,
            self.traces.follow_batch(call, rows, told) as traced,
        ):
            yield traced
