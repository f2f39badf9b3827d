"""What Prometheus would read from metrics."""

from collections.abc import Iterable, Mapping

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from service.observability.metrics import OPENMETRICS, Metrics

_SUFFIXES = {"counter": "_total", "info": "_info"}


class Scrape:
    """One reading, by OpenMetrics' parser, which refuses what breaks the format.

    Attributes:
        families: Every metric by the name that people know it by.
    """

    def __init__(self, metrics: Metrics) -> None:
        text = metrics.render(OPENMETRICS)[0].decode()
        families: Iterable[Metric] = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        self.families: Mapping[str, Metric] = {each.name + _SUFFIXES.get(each.type, ""): each for each in families}
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def find(self, name: str, **labels: str) -> float:
        """The value of one series; 0 if there is none."""
        return self._values.get((name, frozenset(labels.items())), 0.0)

    def list_values(self, name: str, label: str) -> set[str]:
        """Every value of a label of one metric."""
        return {sample.labels[label] for sample in self.families[name].samples if label in sample.labels}

    def read_buckets(self, name: str) -> list[tuple[float, float]]:
        """(upper bound, count of values up to it) of a histogram without labels."""
        samples = self.families[name].samples
        return [(float(each.labels["le"]), each.value) for each in samples if each.name == f"{name}_bucket"]
