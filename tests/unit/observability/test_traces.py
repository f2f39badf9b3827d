"""Spans of requests, their waits, batches and the model's calls, as a collector would get them."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, cast

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from support.fakes import HeldBackend, count_images
from support.http_door import build_context, open_client
from support.metric_names import REPOSITORY

from service.backends.contract import SCORE
from service.batching import Batcher, BatchLimits, Unobserved
from service.codec import Codec
from service.domain import Call, Origin
from service.doors import build_gateway_app
from service.errors import BackendError
from service.observability.metrics import Metrics
from service.observability.traced_batches import TracedBatches
from service.observability.traces import Traces

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OTHER = "0af7651916cd43dd8448eb211c80319c"
OCTETS = {"content-type": "application/octet-stream"}
BODY = count_images(1).tobytes()


class Recorder:
    """A gateway whose spans are kept.

    Attributes:
        backend: Waits to be let go.
        app: Its HTTP doors.
    """

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        traces, metrics = Traces(provider), Metrics()
        self.backend = HeldBackend()
        observer = TracedBatches(metrics.batches.observe_lane("small"), traces)
        batcher = Batcher(self.backend, BatchLimits(64, 1, 64), observer=observer)
        codec = Codec(self.backend, batcher, model_name="digits", max_rows=64)
        self.app: Any = build_gateway_app(build_context(codec=codec, metrics=metrics, traces=traces))

    def list_names(self) -> list[str]:
        """Of the ended spans."""
        return [span.name for span in self._kept.get_finished_spans()]

    def find(self, name: str) -> list[Any]:
        """The ended spans of a name."""
        return [span for span in self._kept.get_finished_spans() if span.name == name]


@pytest.fixture
def recorder() -> Recorder:
    """A gateway whose spans are kept."""
    return Recorder()


def headers(trace: str, flags: str = "01") -> dict[str, str]:
    """Those of a caller with a trace of its own."""
    return {**OCTETS, "traceparent": f"00-{trace}-{PARENT}-{flags}"}


def write_trace(span: Any) -> str:
    """The trace of a span, as a traceparent has it."""
    return f"{span.context.trace_id:032x}"


async def test_request_queue_batch_and_backend(recorder: Recorder) -> None:
    """One below the other, in the caller's trace, and the model is told the call's own span."""
    recorder.backend.gate.set()
    async with open_client(recorder.app) as client:
        await client.post("/score", content=BODY, headers={**headers(TRACE), "x-request-id": "mine"})
    ((request,), (queue,), (batch,), (backend,)) = map(recorder.find, ("http score", "queue", "batch", "backend"))
    told = recorder.backend.origins[0]

    assert {TRACE} == {write_trace(span) for span in (request, queue, batch, backend)}
    assert (PARENT, SpanKind.SERVER) == (f"{request.parent.span_id:016x}", request.kind)
    assert [request.context.span_id] * 2 == [queue.parent.span_id, batch.parent.span_id]
    assert (batch.context.span_id, SpanKind.CLIENT) == (backend.parent.span_id, backend.kind)
    assert f"00-{TRACE}-{backend.context.span_id:016x}-01" == told[0].traceparent
    assert ["", "mine"] == [origin.request_id for origin in told]
    assert ("http", "score", 200, 1, "mine") == tuple(
        request.attributes[f"digitcodec.{name}"] for name in ("door", "operation", "status", "rows", "request_id")
    )
    assert ("reconstruct", 1, 1) == tuple(
        batch.attributes[f"digitcodec.{name}"] for name in ("signature", "rows", "requests")
    )
    assert queue.end_time >= queue.start_time >= request.start_time


async def test_batch_is_linked_with_every_request_in_it(recorder: Recorder) -> None:
    """It is below the first, and found from the others by the links."""
    async with open_client(recorder.app) as client:
        first = asyncio.create_task(client.post("/encode", content=BODY, headers=OCTETS))
        await recorder.backend.entered.wait()
        sent = [client.post("/score", content=BODY, headers=headers(trace)) for trace in (TRACE, OTHER)]
        waiting = [asyncio.create_task(each) for each in sent]
        await asyncio.sleep(0.05)
        recorder.backend.gate.set()
        await asyncio.gather(first, *waiting)
    requests, batch = recorder.find("http score"), recorder.find("batch")[1]

    assert {TRACE, OTHER} == {write_trace(span) for span in requests}
    assert {span.context.span_id for span in requests} == {link.context.span_id for link in batch.links}
    assert batch.parent.span_id in {span.context.span_id for span in requests}


async def test_what_is_not_sampled_makes_no_spans(recorder: Recorder) -> None:
    """The caller has decided; its request is answered like any other."""
    recorder.backend.gate.set()
    async with open_client(recorder.app) as client:
        answer = await client.post("/score", content=BODY, headers=headers(TRACE, "00"))

    assert 200 == answer.status_code
    assert [[], [], []] == [recorder.find(name) for name in ("http score", "queue", "batch")]


async def test_probes_that_are_answered_well_make_no_spans(recorder: Recorder) -> None:
    """They come every second; one that says no is worth a look."""
    async with open_client(recorder.app) as client:
        for path in ("/livez", "/metrics", "/v2/health/live", "/readyz"):
            await client.get(path)
        recorder.backend.is_closed = True
        await client.get("/readyz")

    assert ["http readyz"] == recorder.list_names()


async def test_failures_of_ours_are_errors_and_a_callers_are_not(recorder: Recorder) -> None:
    """As OpenTelemetry has it for servers."""
    recorder.backend.gate.set()
    recorder.backend.failure = BackendError("no")
    async with open_client(recorder.app) as client:
        await client.post("/score", content=BODY, headers=headers(TRACE))
        await client.post("/score", content=b"x", headers=headers(TRACE))
    ours, theirs = recorder.find("http score")

    assert (StatusCode.ERROR, "backend_failed") == (ours.status.status_code, ours.attributes["digitcodec.reason"])
    assert (StatusCode.UNSET, "invalid_image") == (
        theirs.status.status_code,
        theirs.attributes["digitcodec.reason"],
    )


class NamingObserver(Unobserved):
    """Tells the backend of one more origin, and keeps when a call began and ended."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    @contextmanager
    def follow_batch(self, call: Call, rows: int, origins: Sequence[Origin]) -> Iterator[Sequence[Origin]]:
        """Keep it."""
        self.calls.append("began")
        yield [*origins, Origin("another")]
        self.calls.append("ended")


def test_other_observer_follows_batches_too() -> None:
    """What it tells the backend arrives, with the trace of the call."""
    observer = NamingObserver()
    batches = TracedBatches(observer, Traces(TracerProvider()))
    with batches.follow_batch(Call("reconstruct", SCORE), 1, [Origin("mine", f"00-{TRACE}-{PARENT}-01")]) as told:
        during = observer.calls[:]

    assert ["", "mine", "another"] == [origin.request_id for origin in told]
    assert TRACE == str(told[0].traceparent)[3:35]
    assert (["began"], ["began", "ended"]) == (during, observer.calls)


class HeldProvider:
    """Never has its last spans sent, until it is let go.

    Attributes:
        gate: Lets it go.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()

    def get_tracer(self, name: str) -> None:
        """Makes no spans."""

    def shutdown(self) -> None:
        """Wait."""
        self.gate.wait()


def test_close_gives_up_on_a_collector_that_hangs(capsys: pytest.CaptureFixture[str]) -> None:
    """And says that spans are lost; without an end to the wait this test would have none."""
    provider = HeldProvider()
    Traces(cast("TracerProvider", provider), close_s=0.01).close()
    provider.gate.set()

    assert "spans_not_sent" in capsys.readouterr().out


def test_close_sends_the_last_spans(capsys: pytest.CaptureFixture[str]) -> None:
    """Quietly, where the collector takes them."""
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(kept))
    traces = Traces(provider)
    traces.begin_request(Origin()).end({"door": "http", "operation": "score", "reason": None}, is_failure=False)
    traces.close()

    assert ["http score"] == [span.name for span in kept.get_finished_spans()]
    assert "spans_not_sent" not in capsys.readouterr().out


_ONE_SPAN = """
from service.domain import Origin
from service.observability.traces import Traces, build_provider
traces = Traces(build_provider(), close_s=0.1)
traces.begin_request(Origin()).end({"door": "http", "operation": "score", "reason": None}, is_failure=False)
traces.close()
print("closed")
"""


@pytest.mark.parametrize("hangs", [True, False])
def test_process_ends_although_no_collector_answers(*, hangs: bool) -> None:
    """One that takes the connection and says nothing, and one that is not there: the exporter would try for an hour."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        if not hangs:
            listener.close()
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_TIMEOUT": "3600"}
        done = subprocess.run(
            [sys.executable, "-c", _ONE_SPAN],
            cwd=REPOSITORY,
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            timeout=25,  # the SDK waits 30 s at the exit of the interpreter
            check=False,
        )

    assert (0, "closed") == (done.returncode, done.stdout.splitlines()[-1])
    assert "spans_not_sent" in done.stdout
