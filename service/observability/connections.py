"""Connections that we ended against their caller's will: no request tells of them."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter

from service.observability.children import Children


class ConnectionMetrics:
    """Counts them. Labels come from our own tables, never from what a stranger wrote."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the metric."""
        ended = Counter(
            "digitcodec_connections_ended",
            "Connections that we ended against their caller's will.",
            ["cause"],
            registry=registry,
        )
        self._count: Children[str, Callable[[float], None]] = Children(lambda cause: ended.labels(cause).inc)

    def note(self, cause: str, count: int = 1) -> None:
        """So many connections were ended for a cause."""
        self._count[cause](count)
