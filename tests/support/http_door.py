"""The HTTP door over a fake backend, in process: the real door, core and batchers, no socket and no TensorFlow."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.types import ASGIApp, Message
from support.fakes import FakeBackend

from service.access import Gate, OpenGate
from service.api.budget import ByteBudget
from service.api.bulk import BulkExecutor
from service.api.context import DoorContext
from service.api.exchange import build_id_source
from service.api.http import build_http_app
from service.backends.base import Backend
from service.batching import Batcher, BatchLimits, Lanes
from service.codec import Codec
from service.observability.access_log import AccessLog
from service.observability.metrics import Metrics
from service.observability.traces import Traces
from service.settings import LimitSettings

_ALL_LINES = 10**9


class CountingExecutor(BulkExecutor):
    """The executor of large requests, which counts what it was given.

    Attributes:
        submitted: Number of calls.
    """

    def __init__(self) -> None:
        super().__init__()
        self.submitted = 0

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """Count a call and run it."""
        self.submitted += 1
        return super().submit(*args, **kwargs)


class LineLog:
    """Keeps the lines that a structlog logger would write.

    Attributes:
        lines: (level, event, fields) of each, in order.
        written: Set by every line.
    """

    def __init__(self) -> None:
        self.written = asyncio.Event()
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        def write(event: str, **fields: Any) -> None:
            self.lines.append((level, event, fields))
            self.written.set()

        return write


def build_codec(
    backend: Backend, *, max_queue_rows: int = 4096, max_rows: int = 4096, metrics: Metrics | None = None
) -> Codec:
    """A real core with real batchers before the backend, watched by the metrics."""
    metrics = metrics or Metrics()
    observe = metrics.batches.observe_lane
    lanes = Lanes(
        Batcher(backend, BatchLimits(64, 1, max_queue_rows), observer=observe("small")),
        Batcher(backend, BatchLimits(512, 1, 8 * 4096), observer=observe("bulk")),
        max_small_rows=64,
    )
    codec = Codec(backend, lanes, model_name="digits", max_rows=max_rows, observe_scores=metrics.scores.note)
    metrics.watch(codec, lanes.by_name)
    return codec


def build_door(backend: Backend | None = None, **options: Any) -> ASGIApp:
    """The door as the service builds it, over a fake backend unless told otherwise; options as of `build_context`."""
    return build_http_app(build_context(backend, **options))


def build_context(
    backend: Backend | None = None,
    *,
    codec: Codec | None = None,
    limits: LimitSettings | None = None,
    bulk: BulkExecutor | None = None,
    log: LineLog | None = None,
    metrics: Metrics | None = None,
    gate: Gate | None = None,
    open_metrics: bool = False,
    traces: Traces | None = None,
) -> DoorContext:
    """What doors are built over: a real core before a fake backend unless told otherwise."""
    limits = limits or LimitSettings()
    if codec is None:
        metrics = metrics or Metrics()
        codec = build_codec(backend or FakeBackend(), max_rows=limits.max_rows, metrics=metrics)
    elif metrics is None:
        metrics = Metrics()
        metrics.watch(codec, {})
    budget = ByteBudget(limits.max_inflight_bytes)
    metrics.watch_bytes(lambda: budget.used)
    return DoorContext(
        codec=codec,
        limits=limits,
        gate=gate or OpenGate(),
        budget=budget,
        bulk=bulk or CountingExecutor(),
        log=AccessLog(log or LineLog(), _ALL_LINES),
        make_id=build_id_source(),
        metrics=metrics,
        check_room=lambda _, __: None,
        traces=traces,
        open_metrics=open_metrics,
    )


@asynccontextmanager
async def open_client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of an application in this process."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        yield client


def build_scope(path: str, *headers: tuple[bytes, bytes], method: str = "POST", query: bytes = b"") -> dict[str, Any]:
    """The ASGI scope of one request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": list(headers),
        "state": {},
    }


class Caller:
    """The other end of one ASGI request, driven by hand.

    Attributes:
        incoming: Messages that the application will receive.
        asked: Set when the application asks for a message that is not there yet.
        sent: Messages that the application sent.
    """

    def __init__(self, *incoming: Message) -> None:
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.asked = asyncio.Event()
        self.sent: list[Message] = []
        for message in incoming:
            self.incoming.put_nowait(message)

    async def receive(self) -> Message:
        """Hand the next message to the application."""
        if self.incoming.empty():
            self.asked.set()
        return await self.incoming.get()

    async def send(self, message: Message) -> None:
        """Keep a message of the application."""
        self.sent.append(message)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers of the answer."""
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        """The body of the answer so far."""
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def body_message(body: bytes, *, more: bool = False) -> Message:
    """A piece of a request's body."""
    return {"type": "http.request", "body": body, "more_body": more}


DISCONNECT: Message = {"type": "http.disconnect"}
