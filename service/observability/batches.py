"""How long requests wait for the backend, and what it makes of batches."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from service.batching import Unobserved
from service.domain import Origin, Signature
from service.observability.buffers import Buffer, Buffers
from service.observability.children import Children
from service.observability.histogram import ArrayHistogram
from service.observability.requests import SECONDS

_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


class BatchMetrics:
    """The histograms of all lanes."""

    def __init__(self, registry: CollectorRegistry, buffers: Buffers) -> None:
        """Register the metrics; what they count is kept in the buffers first."""
        self._buffers = buffers
        queue_s = ArrayHistogram(
            "digitcodec_queue_seconds",
            "Time that a request waited before a batch took its first row.",
            registry=registry,
            buckets=(0.0001, 0.00025, *SECONDS),
        )
        backend_s = ArrayHistogram(
            "digitcodec_backend_seconds",
            "Time of a backend call, the failed ones too.",
            ["signature"],
            registry=registry,
            buckets=SECONDS,
        )
        self._rows = ArrayHistogram(
            "digitcodec_batch_rows", "Rows of a backend call.", ["lane"], registry=registry, buckets=_ROWS
        )
        self._queue = buffers.make(queue_s.observe_all)
        self._backend: Children[Signature, Buffer[float]] = Children(
            lambda signature: buffers.make(backend_s.labels(signature).observe_all)
        )

    def observe_lane(self, lane: str) -> "LaneObserver":
        """What a batcher of this name reports to."""
        return LaneObserver(self._queue, self._buffers.make(self._rows.labels(lane).observe_all), self._backend)


@dataclass(frozen=True, slots=True)
class LaneObserver(Unobserved):
    """Counts and times what one batcher does; implements `service.batching.BatchObserver`."""

    _queue: Buffer[float]
    _rows: Buffer[int]
    _backend: Children[Signature, Buffer[float]]

    def note_wait(self, origin: Origin, seconds: float) -> None:  # noqa: ARG002 - histograms know no origin
        """A batch took the first row of a request that had waited so long."""
        self._queue.note(seconds)

    def note_batch(self, signature: Signature, rows: int, seconds: float) -> None:
        """A backend call has ended."""
        self._backend[signature].note(seconds)
        self._rows.note(rows)
