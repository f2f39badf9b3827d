"""What is read at the moment somebody looks, and costs a request nothing: queues, model versions, readiness."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from service.batching import Batcher
from service.codec import Codec
from service.domain import VersionState

_STATES: tuple[str, ...] = get_args(VersionState)

# A model card is a file from elsewhere, and a label is kept by Prometheus for long.
_MAX_RECIPE = 64


class StateCollector(Collector):
    """Asks a core how it is. To be collected on the event loop that the core runs on."""

    def __init__(self, codec: Codec, lanes: Mapping[str, Batcher]) -> None:
        """Remember whom to ask.

        Args:
            codec: The core.
            lanes: Its batchers, by the name of their lane.
        """
        self._codec = codec
        self._lanes = lanes

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        yield from self._collect_lanes()
        yield from self._collect_versions()
        yield GaugeMetricFamily(
            "digitcodec_ready",
            "1 while a request without a version would be answered and more are welcome, else 0.",
            value=self._codec.is_ready(),
        )

    def _collect_lanes(self) -> Iterator[Metric]:
        rows = GaugeMetricFamily("digitcodec_queue_rows", "Rows that wait for the backend.", labels=["lane"])
        limit = GaugeMetricFamily("digitcodec_queue_limit_rows", "Most rows that may wait.", labels=["lane"])
        batches = GaugeMetricFamily("digitcodec_running_batches", "Backend calls under way.", labels=["lane"])
        for name, batcher in self._lanes.items():
            rows.add_metric([name], batcher.waiting_rows)
            limit.add_metric([name], batcher.max_waiting_rows)
            batches.add_metric([name], batcher.running_batches)
        yield from (rows, limit, batches)

    def _collect_versions(self) -> Iterator[Metric]:
        info = InfoMetricFamily(
            "digitcodec_model",
            "Versions that the backend knows of; the recipe is that of the model card.",
            labels=["model", "version", "recipe"],
        )
        state = GaugeMetricFamily(
            "digitcodec_model_state",
            "1 for the state that a version is in, as TensorFlow Serving names them, 0 for the others.",
            labels=["version", "state"],
        )
        for each in self._codec.describe():
            version = str(each.version)
            info.add_metric([self._codec.model_name, version, _find_recipe(each.card)], {})
            for name in _STATES:
                state.add_metric([version, name], each.state == name)
        yield from (info, state)


class BytesCollector(Collector):
    """Asks how many bytes of requests are held."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """The metric of this moment."""
        yield GaugeMetricFamily(
            "digitcodec_inflight_bytes", "Bytes of request bodies and messages held.", value=self._read()
        )


def _find_recipe(card: Mapping[str, Any] | None) -> str:
    """The name of the recipe in a model card; empty if it has none that is a short word."""
    recipe = (card or {}).get("recipe")
    name = recipe.get("name") if isinstance(recipe, dict) else recipe
    return name if isinstance(name, str) and len(name) <= _MAX_RECIPE and name.isprintable() else ""
