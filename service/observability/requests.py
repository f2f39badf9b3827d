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
        self._inflight = Gauge(
            "digitcodec_inflight_requests", "Requests under way.", registry=registry, multiprocess_mode="livesum"
        )
        # To find a child among its siblings costs more than to count with it.
        self._notes: dict[tuple[str, str, Code], _Note] = {}
        self._row_notes: dict[str, Callable[[float], None]] = {}

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

    def note_rejected(self, reason: str) -> None:
        """A request got no good answer."""
        self._rejected.labels(reason).inc()

    def _add(self, key: tuple[str, str, Code]) -> _Note:
        door, operation, code = key
        note = self._count.labels(door, operation, code).inc, self._seconds.labels(door, operation).observe
        self._notes[key] = note
        return note
