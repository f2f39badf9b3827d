"""What operators watch, in the words of Prometheus: docs/metrics.md says what each metric means.

Names follow Prometheus' rules: base units, `_total` on counters, labels whose values are few.
"""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from service.batching import Batcher
from service.codec import Codec
from service.observability.batches import BatchMetrics
from service.observability.requests import RequestMetrics
from service.observability.scores import ScoreMetrics
from service.observability.state import StateCollector

OPENMETRICS = "application/openmetrics-text"
PLAIN = "text/plain"


class Metrics:
    """The metrics of one service, in a registry of their own: two services know nothing of each other.

    What is counted on a request's way can be shared among processes by prometheus-client's own mode for that; what
    `watch` adds is read when somebody looks, from this process alone.

    Attributes:
        requests: Takes note of requests.
        batches: Takes note of the queue and the backend.
        scores: Takes note of anomaly scores.
    """

    def __init__(self) -> None:
        """Begin at zero."""
        self._registry = CollectorRegistry()
        self.requests = RequestMetrics(self._registry)
        self.batches = BatchMetrics(self._registry)
        self.scores = ScoreMetrics(self._registry)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def watch(self, codec: Codec, lanes: Mapping[str, Batcher]) -> None:
        """Show how this core is, too; once.

        Args:
            codec: The core.
            lanes: Its batchers, by the name of their lane.
        """
        self._registry.register(StateCollector(codec, lanes))

    def render(self, accept: str) -> tuple[bytes, str]:
        """All of them as text, and its content type: OpenMetrics 1.0.0 if that is accepted, else text format 0.0.4.

        To be called on the event loop of the core that is watched.
        """
        # Not what the stranger wrote: the library would fail at a version that is no number, and repeat any other.
        encode, content_type = choose_encoder(OPENMETRICS if OPENMETRICS in accept.lower() else PLAIN)
        return encode(self._registry), content_type
