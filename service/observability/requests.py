"""What came of requests, at every door."""

from functools import partial
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge

from service.observability.buffers import Buffer, Buffers
from service.observability.children import Children
from service.observability.histogram import ArrayHistogram

# A single digit takes about a millisecond; nobody waits longer than the longest timeout that may be asked for.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)

Code = int | str
_Ended = tuple[str, str, Code, str | None]


class Outcome(NamedTuple):
    """What one request came to.

    Attributes:
        seconds: From its head to the end of its answer.
        decode_s: Time to read and check its rows, or to find them wrong; None if it got not so far.
        rows: Rows that got a good answer.
    """

    seconds: float
    decode_s: float | None = None
    rows: int = 0


class RequestMetrics:
    """Counts and times requests. Labels come from our own tables, never from what a stranger wrote."""

    def __init__(self, registry: CollectorRegistry, buffers: Buffers) -> None:
        """Register the metrics; what they count is kept in the buffers first."""
        self._registry = registry
        self._buffers = buffers
        named = ("door", "operation")
        ended = self._counter("digitcodec_requests", "Requests that have ended.", *named, "code")
        seconds = self._histogram(
            "digitcodec_request_seconds", "Time from the head of a request to the end of its answer.", *named
        )
        rejected = self._counter("digitcodec_rejected", "Requests without a good answer.", "reason")
        rows = self._counter("digitcodec_rows", "Rows that got a good answer.", "operation")
        decode_s = self._histogram(
            "digitcodec_decode_seconds", "Time from the bytes of a request to its checked rows.", "door"
        )
        key_requests = self._counter("digitcodec_key_requests", "Requests with a key that have ended.", "key")
        key_rows = self._counter("digitcodec_key_rows", "Rows of a key that got a good answer.", "key")
        self._inflight = 0
        self._left_out = buffers.add_up(
            self._counter("digitcodec_log_lines_left_out", "Lines about requests that were not written.")
        )

        def tell(key: _Ended, outcomes: list[Outcome]) -> None:
            door, operation, code, reason = key
            ended.labels(door, operation, code).inc(len(outcomes))
            seconds.labels(door, operation).observe_all([each.seconds for each in outcomes])
            if decoded := [each.decode_s for each in outcomes if each.decode_s is not None]:
                decode_s.labels(door).observe_all(decoded)
            if reason is not None:
                rejected.labels(reason).inc(len(outcomes))
            elif total := sum(each.rows for each in outcomes):
                rows.labels(operation).inc(total)

        self._ended: Children[_Ended, Buffer[Outcome]] = Children(lambda key: buffers.make(partial(tell, key)))
        self._key: Children[str, Buffer[int]] = Children(
            lambda key: _add_up_each(buffers, key_requests.labels(key), key_rows.labels(key))
        )
        self._show_inflight()

    def begin(self) -> None:
        """A request has come."""
        self._inflight += 1

    def end(self, door: str, operation: str, code: Code, reason: str | None, outcome: Outcome) -> None:
        """It has ended; with a reason of the error table, or None for a good answer."""
        self._inflight -= 1
        self._ended[door, operation, code, reason].note(outcome)

    def note_key(self, key: str, rows: int) -> None:
        """A request of a known key has ended, with so many rows well answered."""
        self._key[key].note(rows)

    def note_left_out(self) -> None:
        """A log line was not written."""
        self._left_out.note(1)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, *labels: str) -> ArrayHistogram:
        return ArrayHistogram(name, text, labels, registry=self._registry, buckets=SECONDS)

    def _show_inflight(self) -> None:
        gauge = Gauge(
            "digitcodec_inflight_requests", "Requests under way.", registry=self._registry, multiprocess_mode="livesum"
        )
        self._buffers.flush_with(lambda: gauge.set(self._inflight))


def _add_up_each(buffers: Buffers, count: Counter, rows: Counter) -> Buffer[int]:
    """A buffer of numbers of rows, each of which counts as one."""

    def tell(values: list[int]) -> None:
        count.inc(len(values))
        rows.inc(sum(values))

    return buffers.make(tell)
