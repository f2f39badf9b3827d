"""Which batches a service has formed, by its own metrics."""

import urllib.request
from collections import Counter
from dataclasses import dataclass
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from bench.running import RunningService

_METRIC = "digitcodec_batch_rows"
_LIMIT_S = 10


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of all lanes.

    Attributes:
        count: How many.
        rows: Rows in all of them together.
        up_to: How many had up to so many rows, by that bound; each counts for every bound above it, too.
    """

    count: float
    rows: float
    up_to: Counter[float]

    @property
    def mean_rows(self) -> float:
        """Rows of a batch on average; 0 without batches."""
        return self.rows / self.count if self.count else 0.0

    def since(self, earlier: Self) -> Self:
        """Those that were formed after an earlier look."""
        return type(self)(self.count - earlier.count, self.rows - earlier.rows, self.up_to - earlier.up_to)

    def add(self, other: Self) -> Self:
        """Both together."""
        return type(self)(self.count + other.count, self.rows + other.rows, self.up_to + other.up_to)

    def list_shares(self) -> list[tuple[float, float]]:
        """Which share of the batches lies between the bound before and this one, by rising bounds."""
        bounds = sorted(self.up_to)
        counts = [self.up_to[bound] for bound in bounds]
        steps = [count - before for count, before in zip(counts, [0, *counts], strict=False)]
        return [(bound, step / max(self.count, 1)) for bound, step in zip(bounds, steps, strict=True)]


def read_batches(service: RunningService) -> Batches:
    """All batches since the service began."""
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=_LIMIT_S) as answer:  # noqa: S310 - our own http URL
        return parse_batches(answer.read().decode())


def parse_batches(text: str) -> Batches:
    """The histogram in a page of metrics."""
    sums: Counter[str] = Counter()
    up_to: Counter[float] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples if family.name == _METRIC else ():
            sums[sample.name] += sample.value  # type: ignore[assignment]  # a Counter adds floats as well
            if "le" in sample.labels:
                up_to[float(sample.labels["le"])] += sample.value  # type: ignore[assignment]
    return Batches(sums[f"{_METRIC}_count"], sums[f"{_METRIC}_sum"], up_to)
