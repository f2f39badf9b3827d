"""Which series the page of metrics has: those of this process."""

from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector


class Page(Protocol):
    """Brings together what is counted on a request's way and what is read when somebody looks."""

    @property
    def counted(self) -> CollectorRegistry:
        """Where metrics that are counted register."""

    def add(self, collector: Collector) -> None:
        """Show what this reads at the moment somebody looks."""

    def read(self) -> CollectorRegistry:
        """What to show now; to be called on the event loop of the core that is watched."""


class OwnPage:
    """Of a service of one process; implements `Page`."""

    def __init__(self) -> None:
        """Begin empty."""
        self.counted = CollectorRegistry()

    def add(self, collector: Collector) -> None:
        """Show what this reads at the moment somebody looks."""
        self.counted.register(collector)

    def read(self) -> CollectorRegistry:
        """Everything that is registered."""
        return self.counted
