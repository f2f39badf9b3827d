"""How long requests wait for the backend, and what it makes of batches."""

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Histogram

from service.batching import Unobserved
from service.domain import Origin, Signature
from service.observability.children import Children
from service.observability.requests import SECONDS

_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


class BatchMetrics:
    """The histograms of all lanes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the metrics."""
        self._queue_s = Histogram(
            "digitcodec_queue_seconds",
            "Time that a request waited before a batch took its first row.",
            registry=registry,
            buckets=(0.0001, 0.00025, *SECONDS),
        )
        backend_s = Histogram(
            "digitcodec_backend_seconds",
            "Time of a backend call, the failed ones too.",
            ["signature"],
            registry=registry,
            buckets=SECONDS,
        )
        self._observe_backend: Children[Signature, Callable[[float], None]] = Children(
            lambda signature: backend_s.labels(signature).observe
        )
        self._rows = Histogram(
            "digitcodec_batch_rows", "Rows of a backend call.", ["lane"], registry=registry, buckets=_ROWS
        )

    def observe_lane(self, lane: str) -> "LaneObserver":
        """What a batcher of this name reports to."""
        return LaneObserver(self._queue_s.observe, self._rows.labels(lane).observe, self._observe_backend)


@dataclass(frozen=True, slots=True)
class LaneObserver(Unobserved):
    """Counts and times what one batcher does; implements `service.batching.BatchObserver`."""

    _note_wait: Callable[[float], None]
    _note_rows: Callable[[float], None]
    _note_backend: Children[Signature, Callable[[float], None]]

    def note_wait(self, origin: Origin, seconds: float) -> None:  # noqa: ARG002 - histograms know no origin
        """A batch took the first row of a request that had waited so long."""
        self._note_wait(seconds)

    def note_batch(self, signature: Signature, rows: int, seconds: float) -> None:
        """A backend call has ended."""
        self._note_backend[signature](seconds)
        self._note_rows(rows)
