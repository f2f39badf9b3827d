"""What came of requests, at every door."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# A single digit takes about a millisecond; nobody waits longer than the longest timeout that may be asked for.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)

Code = int | str
_Note = tuple[Callable[[], None], Callable[[float], None]]


class RequestMetrics:
    """Counts and times requests. Labels come from our own tables, never from what a stranger wrote."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the metrics."""
        named = ("door", "operation")
        self._count = Counter("digitcodec_requests", "Requests that have ended.", (*named, "code"), registry=registry)
        self._seconds = Histogram(
            "digitcodec_request_seconds",
            "Time from the head of a request to the end of its answer.",
            named,
            registry=registry,
            buckets=SECONDS,
        )
        self._rejected = Counter(
            "digitcodec_rejected", "Requests without a good answer.", ["reason"], registry=registry
        )
        self._rows = Counter("digitcodec_rows", "Rows that got a good answer.", ["operation"], registry=registry)
        self._decode_s = Histogram(
            "digitcodec_decode_seconds",
            "Time from the bytes of a request to its checked rows.",
            ["door"],
            registry=registry,
            buckets=SECONDS,
        )
        self._key_requests = Counter(
            "digitcodec_key_requests", "Requests with a key that have ended.", ["key"], registry=registry
        )
        self._key_rows = Counter(
            "digitcodec_key_rows", "Rows of a key that got a good answer.", ["key"], registry=registry
        )
        self._left_out = Counter(
            "digitcodec_log_lines_left_out", "Lines about requests that were not written.", registry=registry
        )
        self._inflight = Gauge(
            "digitcodec_inflight_requests", "Requests under way.", registry=registry, multiprocess_mode="livesum"
        )
        # To find a child among its siblings costs more than to count with it.
        self._notes: dict[tuple[str, str, Code], _Note] = {}
        self._row_notes: dict[str, Callable[[float], None]] = {}
        self._decode_notes: dict[str, Callable[[float], None]] = {}

    def begin(self) -> None:
        """A request has come."""
        self._inflight.inc()

    def end(self, door: str, operation: str, code: Code, seconds: float) -> None:
        """It has ended, so long after it began."""
        self._inflight.dec()
        key = (door, operation, code)
        count, observe = self._notes.get(key) or self._add(key)
        count()
        observe(seconds)

    def note_rows(self, operation: str, rows: int) -> None:
        """So many rows got a good answer."""
        count = self._row_notes.get(operation)
        if count is None:
            count = self._row_notes[operation] = self._rows.labels(operation).inc
        count(rows)

    def note_decode(self, door: str, seconds: float) -> None:
        """The rows of a request were read and checked, or found wrong, in so long."""
        observe = self._decode_notes.get(door)
        if observe is None:
            observe = self._decode_notes[door] = self._decode_s.labels(door).observe
        observe(seconds)

    def note_key(self, key: str, rows: int) -> None:
        """A request of a known key has ended, with so many rows well answered."""
        self._key_requests.labels(key).inc()
        self._key_rows.labels(key).inc(rows)

    def note_left_out(self) -> None:
        """A log line was not written."""
        self._left_out.inc()

    def note_rejected(self, reason: str) -> None:
        """A request got no good answer."""
        self._rejected.labels(reason).inc()

    def _add(self, key: tuple[str, str, Code]) -> _Note:
        door, operation, code = key
        note = self._count.labels(door, operation, code).inc, self._seconds.labels(door, operation).observe
        self._notes[key] = note
        return note
