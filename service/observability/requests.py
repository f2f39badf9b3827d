"""What came of requests, at every door."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from service.observability.children import Children

# A single digit takes about a millisecond; nobody waits longer than the longest timeout that may be asked for.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)

Code = int | str
_Observe = Callable[[float], None]


class RequestMetrics:
    """Counts and times requests. Labels come from our own tables, never from what a stranger wrote."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the metrics."""
        named = ("door", "operation")
        ended = Counter("digitcodec_requests", "Requests that have ended.", (*named, "code"), registry=registry)
        seconds = Histogram(
            "digitcodec_request_seconds",
            "Time from the head of a request to the end of its answer.",
            named,
            registry=registry,
            buckets=SECONDS,
        )
        rejected = Counter("digitcodec_rejected", "Requests without a good answer.", ["reason"], registry=registry)
        rows = Counter("digitcodec_rows", "Rows that got a good answer.", ["operation"], registry=registry)
        decode_s = Histogram(
            "digitcodec_decode_seconds",
            "Time from the bytes of a request to its checked rows.",
            ["door"],
            registry=registry,
            buckets=SECONDS,
        )
        key_requests = Counter(
            "digitcodec_key_requests", "Requests with a key that have ended.", ["key"], registry=registry
        )
        key_rows = Counter("digitcodec_key_rows", "Rows of a key that got a good answer.", ["key"], registry=registry)
        self._left_out = Counter(
            "digitcodec_log_lines_left_out", "Lines about requests that were not written.", registry=registry
        )
        self._inflight = Gauge(
            "digitcodec_inflight_requests", "Requests under way.", registry=registry, multiprocess_mode="livesum"
        )
        self._end: Children[tuple[str, str, Code], tuple[Callable[[], None], _Observe]] = Children(
            lambda key: (ended.labels(*key).inc, seconds.labels(*key[:2]).observe)
        )
        self._reject: Children[str, Callable[[], None]] = Children(lambda reason: rejected.labels(reason).inc)
        self._count_rows: Children[str, _Observe] = Children(lambda operation: rows.labels(operation).inc)
        self._observe_decode: Children[str, _Observe] = Children(lambda door: decode_s.labels(door).observe)
        self._count_key: Children[str, tuple[Callable[[], None], _Observe]] = Children(
            lambda key: (key_requests.labels(key).inc, key_rows.labels(key).inc)
        )

    def begin(self) -> None:
        """A request has come."""
        self._inflight.inc()

    def end(self, door: str, operation: str, code: Code, seconds: float) -> None:
        """It has ended, so long after it began."""
        self._inflight.dec()
        count, observe = self._end[door, operation, code]
        count()
        observe(seconds)

    def note_rows(self, operation: str, rows: int) -> None:
        """So many rows got a good answer."""
        self._count_rows[operation](rows)

    def note_decode(self, door: str, seconds: float) -> None:
        """The rows of a request were read and checked, or found wrong, in so long."""
        self._observe_decode[door](seconds)

    def note_key(self, key: str, rows: int) -> None:
        """A request of a known key has ended, with so many rows well answered."""
        count, count_rows = self._count_key[key]
        count()
        count_rows(rows)

    def note_left_out(self) -> None:
        """A log line was not written."""
        self._left_out.inc()

    def note_rejected(self, reason: str) -> None:
        """A request got no good answer."""
        self._reject[reason]()
