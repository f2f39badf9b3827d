"""What operators watch, in the words of Prometheus: docs/metrics.md says what each metric means.

Names follow Prometheus' rules: base units, `_total` on counters, labels whose values are few.
"""

from collections.abc import Callable, Mapping

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR
from prometheus_client.exposition import choose_encoder

from service.batching import Batcher
from service.codec import Codec
from service.observability.batches import BatchMetrics
from service.observability.buffers import Buffers
from service.observability.connections import ConnectionMetrics
from service.observability.page import OwnPage, Page
from service.observability.requests import RequestMetrics
from service.observability.scores import ScoreMetrics
from service.observability.state import BytesCollector, StateCollector

OPENMETRICS = "application/openmetrics-text"
PLAIN = "text/plain"


class Metrics:
    """The metrics of one service, in a registry of their own: two services know nothing of each other.

    Attributes:
        requests: Takes note of requests.
        batches: Takes note of the queue and the backend.
        scores: Takes note of anomaly scores.
        connections: Takes note of connections that were ended.
    """

    def __init__(self, page: Page | None = None) -> None:
        """Begin at zero; on a page of this process alone unless another one is given."""
        self._page = page or OwnPage()
        buffers = Buffers()
        self._page.add(buffers)
        self.requests = RequestMetrics(self._page.counted, buffers)
        self.batches = BatchMetrics(self._page.counted, buffers)
        self.scores = ScoreMetrics(self._page.counted, buffers)
        self.connections = ConnectionMetrics(self._page.counted)
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            self._page.add(collector)

    def watch(self, codec: Codec, lanes: Mapping[str, Batcher]) -> None:
        """Show how this core is, too; once.

        Args:
            codec: The core.
            lanes: Its batchers, by the name of their lane.
        """
        self._page.add(StateCollector(codec, lanes))

    def watch_bytes(self, read: Callable[[], int]) -> None:
        """Show how many bytes of requests are held, too; once."""
        self._page.add(BytesCollector(read))

    def render(self, accept: str) -> tuple[bytes, str]:
        """All of them as text, and its content type: OpenMetrics 1.0.0 if that is accepted, else text format 0.0.4.

        To be called on the event loop of the core that is watched.
        """
        # Not what the stranger wrote: the library would fail at a version that is no number, and repeat any other.
        encode, content_type = choose_encoder(OPENMETRICS if OPENMETRICS in accept.lower() else PLAIN)
        return encode(self._page.read()), content_type
