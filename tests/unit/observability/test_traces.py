"""Spans of requests, their waits, batches and the model's calls, as a collector would get them."""

import asyncio
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from support.fakes import HeldBackend, count_images
from support.http_door import build_context, open_client

from service.batching import Batcher, BatchLimits
from service.codec import Codec
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
