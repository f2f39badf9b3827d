"""OpenTelemetry traces: a span for each request, its wait, the batch that it shared and the model's call.

The extra `traces` brings the SDK. Exporter, sampler and resource are set by OpenTelemetry's own OTEL_* variables.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import structlog

from service.domain import Call, Origin
from service.startup import CannotStartError

if TYPE_CHECKING:  # an extra: only who asks for traces needs it
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

_log = structlog.get_logger()

CLOSE_S = 3.0
"""Longest that the exit waits for the last spans to be sent."""

_NAME = "digitcodec"
_SAMPLED = 1
# Fields of the canonical line that say what the span's own times say already.
_TIMES = frozenset({"ms", "decode_ms", "queue_ms", "backend_ms"})


class MissingTracesError(CannotStartError):
    """Traces are wanted, and OpenTelemetry's SDK is not installed."""


def build_provider() -> "TracerProvider":
    """A provider that sends spans by OTLP over HTTP, in batches and from a thread of its own; for `Traces` to close.

    Raises:
        MissingTracesError: If the extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingTracesError(
            "DIGITCODEC_OBSERVABILITY__TRACES is true, but OpenTelemetry is not installed: "
            "pip install 'digitcodec[traces]'"
        ) from error
    resource = Resource.create({SERVICE_NAME: _NAME}).merge(OTELResourceDetector().detect())
    # What it would do at the exit of the interpreter takes as long as the collector likes.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Traces:
    """Makes the spans of one service."""

    def __init__(self, provider: "TracerProvider", close_s: float = CLOSE_S) -> None:
        """Begin.

        Args:
            provider: Makes and sends spans.
            close_s: Longest that `close` takes.
        """
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._close_s = close_s
        self._trace = trace
        self._propagator = TraceContextTextMapPropagator()
        self._tracer = provider.get_tracer(_NAME)

    def begin_request(self, origin: Origin) -> "RequestSpan":
        """The span of a request that has come, below that of its caller if there is one."""
        span = self._tracer.start_span(
            "request", context=self._find_context(origin.traceparent), kind=self._trace.SpanKind.SERVER
        )
        return RequestSpan(span, render_traceparent(span), self._trace)

    def note_wait(self, origin: Origin, seconds: float) -> None:
        """A request of this origin has waited so long for its batch, until now."""
        if not _is_sampled(origin):
            return
        now_ns = time.time_ns()
        began_ns = now_ns - round(seconds * 1e9)
        span = self._tracer.start_span("queue", context=self._find_context(origin.traceparent), start_time=began_ns)
        span.end(now_ns)

    @contextmanager
    def follow_batch(self, call: Call, rows: int, origins: Sequence[Origin]) -> Iterator[Sequence[Origin]]:
        """The spans of a batch and of the model's call in it, for as long as the block lasts.

        The batch is below the first of its requests that is traced, and linked with all of them.

        Returns:
            What the model is to be told: the same origins, after one whose trace is the call's own.
        """
        traced = [origin for origin in origins if _is_sampled(origin)]
        if not traced:
            yield origins
            return
        contexts = [self._find_context(origin.traceparent) for origin in traced]
        links = [self._trace.Link(self._trace.get_current_span(each).get_span_context()) for each in contexts]
        facts = {"digitcodec.signature": call.signature, "digitcodec.rows": rows, "digitcodec.requests": len(origins)}
        start = self._tracer.start_as_current_span
        with (
            start("batch", context=contexts[0], links=links, attributes=facts, record_exception=False),
            start("backend", kind=self._trace.SpanKind.CLIENT, record_exception=False) as span,
        ):
            yield [Origin(traceparent=render_traceparent(span)), *origins]

    def close(self) -> None:
        """Send what has not been sent, and give up when that takes too long; blocks meanwhile.

        The exporter tries again for as long as it may, ten seconds by default, and for each batch of spans anew.
        """
        # A daemon, so that the interpreter does not wait for it either.
        sending = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        sending.start()
        sending.join(self._close_s)
        if sending.is_alive():
            _log.warning("spans_not_sent", waited_s=self._close_s)

    def _find_context(self, traceparent: str | None) -> "Context":
        carrier = {} if traceparent is None else {"traceparent": traceparent}
        return self._propagator.extract(carrier)


class RequestSpan:
    """The span of one request; one that is never ended is never sent.

    Attributes:
        traceparent: What belongs to the request is below this.
    """

    def __init__(self, span: "Span", traceparent: str, trace: ModuleType) -> None:
        """Wrap a span.

        Args:
            span: It has begun.
            traceparent: Its own.
            trace: OpenTelemetry's module of this name.
        """
        self._span = span
        self._trace = trace
        self.traceparent = traceparent

    def end(self, fields: Mapping[str, Any], *, is_failure: bool) -> None:
        """The request has ended.

        Args:
            fields: What its canonical line says.
            is_failure: True if it got no good answer, and that was not its caller's fault.
        """
        if not self._span.is_recording():  # the caller's choice
            return
        told = {name: value for name, value in fields.items() if value is not None and name not in _TIMES}
        self._span.update_name(f"{fields['door']} {fields['operation']}")
        self._span.set_attributes({f"digitcodec.{name}": value for name, value in told.items()})
        if is_failure:
            self._span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, fields["reason"]))
        self._span.end()


def render_traceparent(span: "Span") -> str:
    """The W3C Trace Context of a span."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _is_sampled(origin: Origin) -> bool:
    """As the flags say (W3C Trace Context, 3.2.2.5); other bits may be set beside that one."""
    return origin.traceparent is not None and bool(int(origin.traceparent[-2:], 16) & _SAMPLED)
