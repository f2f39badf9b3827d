"""Builds the rooms behind the doors, and starts and stops them in order: the composition root."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from service.access import Gate, KeyFile, KeyGate, OpenGate, Rate, RateLimiter
from service.api.budget import ByteBudget
from service.api.bulk import BulkExecutor
from service.api.context import DoorContext
from service.api.exchange import build_id_source
from service.api.tfserving import Relabel
from service.backends.base import Backend
from service.backends.embedded import EmbeddedBackend
from service.backends.tfserving import TFServingBackend
from service.batching import Batcher, BatchLimits, BatchObserver, Lanes
from service.codec import Codec
from service.observability.access_log import AccessLog
from service.observability.metrics import Metrics
from service.observability.page import Page
from service.observability.traced_batches import TracedBatches
from service.observability.traces import Traces, build_provider
from service.settings import (
    AccessSettings,
    BatchingSettings,
    BulkSettings,
    EmbeddedBackendSettings,
    ObservabilitySettings,
    Settings,
)

# Calls under way at a model server: one in its model, others on the wire.
_REMOTE_BATCHES = 4


@dataclass(frozen=True, slots=True)
class Core:
    """The built rooms behind the doors.

    Attributes:
        backend: What runs the model.
        lanes: What admits and joins requests.
        context: What the doors are built over.
        relabel: Moves labels of versions; None where the backend takes them from the settings.
    """

    backend: Backend
    lanes: Lanes
    context: DoorContext
    relabel: Relabel | None


@asynccontextmanager
async def run_core(settings: Settings, page: Page | None = None) -> AsyncIterator[Core]:
    """A core that is loading its model or has it; at the end it drains from the door inwards.

    Args:
        settings: All of them.
        page: Where its metrics go; by default it is the only process of the service.
    """
    small = _find_limits(settings.batching, settings)
    bulk = _find_limits(settings.bulk, settings)
    backend = build_backend(settings, small, bulk)
    metrics = Metrics(page)
    async with _open_traces(settings.observability) as traces, _open_access(settings.access) as access:
        lanes = _build_lanes(backend, small, bulk, metrics, traces)
        codec = _build_codec(backend, lanes, settings, metrics, access.limiter)
        with BulkExecutor() as bodies:
            context = _build_context(codec, lanes, access.gate, bodies, settings, metrics, traces)
            await backend.start()
            try:
                relabel = backend.assign_labels if isinstance(backend, EmbeddedBackend) else None
                yield Core(backend, lanes, context, relabel)
            finally:
                await lanes.close(grace_s=0)
                await backend.close()
                context.log.close()


@asynccontextmanager
async def _open_traces(settings: ObservabilitySettings) -> AsyncIterator[Traces | None]:
    """What makes spans, if they are wanted; at the end those that are left are sent.

    Raises:
        MissingTracesError: If OpenTelemetry is not installed.
    """
    if not settings.traces:
        yield None
        return
    traces = Traces(build_provider())
    try:
        yield traces
    finally:
        await asyncio.to_thread(traces.close)


@dataclass(frozen=True, slots=True)
class _Access:
    """Who may ask, and how much."""

    gate: Gate
    limiter: RateLimiter | None


@asynccontextmanager
async def _open_access(settings: AccessSettings) -> AsyncIterator[_Access]:
    """Keys that follow their file, if there is one.

    Raises:
        UnusableKeysError: If it cannot be used.
    """
    rate = None if settings.rows_per_s is None else Rate.of(settings.rows_per_s, settings.burst_rows)
    if settings.keys_file is None:
        yield _Access(OpenGate(), RateLimiter(rate) if rate else None)
        return
    keys = KeyFile(settings.keys_file)
    await keys.start()
    try:
        yield _Access(KeyGate(keys), RateLimiter(rate, lambda: keys.ring.rates))
    finally:
        await keys.close()


def _build_context(
    codec: Codec,
    lanes: Lanes,
    gate: Gate,
    bodies: BulkExecutor,
    settings: Settings,
    metrics: Metrics,
    traces: Traces | None,
) -> DoorContext:
    seen = settings.observability
    budget = ByteBudget(settings.limits.max_inflight_bytes)
    metrics.watch_bytes(lambda: budget.used)
    return DoorContext(
        codec=codec,
        limits=settings.limits,
        gate=gate,
        budget=budget,
        bulk=bodies,
        log=AccessLog(
            structlog.get_logger(),
            seen.request_lines_per_s,
            metrics.requests.note_left_out,
            least_level=seen.log_level,
        ),
        make_id=build_id_source(),
        metrics=metrics,
        traces=traces,
        check_room=lanes.check_room,
        open_metrics=settings.access.open_metrics,
    )


def _build_lanes(
    backend: Backend, small: BatchLimits, bulk: BatchLimits, metrics: Metrics, traces: Traces | None
) -> Lanes:
    def observe(lane: str) -> BatchObserver:
        observer = metrics.batches.observe_lane(lane)
        return observer if traces is None else TracedBatches(observer, traces)

    return Lanes(
        Batcher(backend, small, observer=observe("small")),
        Batcher(backend, bulk, observer=observe("bulk")),
        max_small_rows=small.max_batch_rows,
    )


def _build_codec(
    backend: Backend, lanes: Lanes, settings: Settings, metrics: Metrics, limiter: RateLimiter | None
) -> Codec:
    codec = Codec(
        backend,
        lanes,
        model_name=settings.model.name,
        max_rows=settings.limits.max_rows,
        observe_scores=metrics.scores.note,
        charger=limiter,
    )
    metrics.watch(codec, lanes.by_name)
    return codec


def build_backend(settings: Settings, small: BatchLimits, bulk: BatchLimits) -> Backend:
    """The backend that the settings name.

    Raises:
        MissingTensorFlowError: If it is the embedded one and TensorFlow is not installed.
        UnusableCertificateError: If it is a model server and a certificate cannot be read.
    """
    if not isinstance(settings.backend, EmbeddedBackendSettings):
        return TFServingBackend(settings.backend, settings.model)
    return EmbeddedBackend(
        settings.backend,
        settings.model,
        max_batches=small.max_batches + bulk.max_batches,
        warm_up_sizes=find_warm_up_sizes(small.max_batch_rows, bulk.max_batch_rows),
        max_small_rows=small.max_batch_rows,
    )


def find_warm_up_sizes(small: int, bulk: int) -> tuple[int, ...]:
    """Batch sizes to run before callers bring them: the small ones, powers of two, and the limits of both lanes.

    TensorFlow prepares its kernels anew for each size it has not seen, which costs the first caller a millisecond.
    """
    powers = [2**power for power in range(bulk.bit_length())]
    return tuple(sorted({*range(1, min(small, 64) + 1), *powers, small, bulk}))


def _find_limits(settings: BatchingSettings | BulkSettings, root: Settings) -> BatchLimits:
    default = 1 if isinstance(root.backend, EmbeddedBackendSettings) else _REMOTE_BATCHES
    return BatchLimits(settings.max_batch_rows, settings.max_batches or default, settings.max_queue_rows)
