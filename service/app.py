"""The composition root: builds every room, and starts and stops them in order."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from service.access import Gate, KeyFile, KeyGate, OpenGate, Rate, RateLimiter
from service.api.budget import ByteBudget
from service.api.bulk import BulkExecutor
from service.api.context import DoorContext
from service.api.exchange import build_id_source
from service.backends.base import Backend
from service.backends.embedded import EmbeddedBackend
from service.backends.tfserving import TFServingBackend
from service.batching import Batcher, BatchLimits, BatchObserver, Lanes
from service.codec import Codec
from service.doors import build_gateway_app, build_gateway_rpc, build_model_server_app, build_model_server_rpc
from service.observability.access_log import AccessLog
from service.observability.metrics import Metrics
from service.observability.page import Page
from service.observability.traced_batches import TracedBatches
from service.observability.traces import Traces, build_provider
from service.servers import (
    Farewell,
    HttpServer,
    RpcServer,
    ServerCertificate,
    find_url,
    listen,
    load_certificate,
    raise_file_limit,
    run_until_signal,
    serve_until_signal,
)
from service.settings import (
    AccessSettings,
    BatchingSettings,
    BulkSettings,
    EmbeddedBackendSettings,
    LimitSettings,
    ObservabilitySettings,
    Settings,
    UnreadableSettingError,
)

_log = structlog.get_logger()

# Calls under way at a model server: one in its model, others on the wire.
_REMOTE_BATCHES = 4
_LOOK_INTERVAL_S = 0.05

HTTP_ADDRESS = "DIGITCODEC_HTTP__HOST and DIGITCODEC_HTTP__PORT"
"""What chooses the address of the gateway's HTTP door."""

GRPC_ADDRESS = "DIGITCODEC_GRPC__HOST and DIGITCODEC_GRPC__PORT"
"""The same for its gRPC door."""


@dataclass(frozen=True, slots=True)
class Core:
    """The built rooms behind the doors.

    Attributes:
        backend: What runs the model.
        lanes: What admits and joins requests.
        context: What the doors are built over.
    """

    backend: Backend
    lanes: Lanes
    context: DoorContext


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
                yield Core(backend, lanes, context)
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
    limiter: RateLimiter


@asynccontextmanager
async def _open_access(settings: AccessSettings) -> AsyncIterator[_Access]:
    """Keys that follow their file, if there is one.

    Raises:
        UnusableKeysError: If it cannot be used.
    """
    rate = None if settings.rows_per_s is None else Rate.of(settings.rows_per_s, settings.burst_rows)
    if settings.keys_file is None:
        yield _Access(OpenGate(), RateLimiter(rate))
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


def _build_codec(backend: Backend, lanes: Lanes, settings: Settings, metrics: Metrics, limiter: RateLimiter) -> Codec:
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
    """Batch sizes to run before a version may answer: the small ones, powers of two, and the limits of both lanes.

    TensorFlow prepares its kernels anew for each size it has not seen, which costs the first caller a millisecond.
    """
    powers = [2**power for power in range(bulk.bit_length())]
    return tuple(sorted({*range(1, min(small, 64) + 1), *powers, small, bulk}))


async def serve_gateway(settings: Settings) -> None:
    """Answer on every door until SIGTERM or SIGINT, then finish what was admitted and return.

    Raises:
        CannotListenError: If an address is taken or not ours.
        UnusableCertificateError: If TLS is on and its files cannot be used.
    """
    http, grace_s = settings.http, settings.limits.shutdown_grace_s
    raise_file_limit(http.max_connections)
    certificate = load_certificate(settings.tls)
    with listen(http.host, http.port, settings=HTTP_ADDRESS) as listener:
        async with run_core(settings) as core:
            rpc = build_gateway_rpc(core.context, settings.grpc, grace_s)
            address = rpc.bind(settings.grpc.host, settings.grpc.port, settings=GRPC_ADDRESS, certificate=certificate)
            url = find_url(listener, tls=certificate is not None)
            note_open = partial(_log.info, "listening", url=url, docs=f"{url}/docs", grpc=address)
            server = build_gateway_http(core, listener, settings, certificate)
            farewell = plan_farewell(core, rpc, settings.limits)
            await serve_until_signal([server, rpc], farewell, note_open=note_open)
    _log.info("stopped")


def build_gateway_http(
    core: Core, listener: socket.socket, settings: Settings, certificate: ServerCertificate | None
) -> HttpServer:
    """The gateway's HTTP door on its socket."""
    app = build_gateway_app(core.context, settings.http.cors_origins)
    grace_s, note_ended = settings.limits.shutdown_grace_s, core.context.metrics.connections.note
    return HttpServer(app, listener, settings.http, grace_s, certificate, note_ended)


async def serve_model(settings: Settings) -> None:
    """Answer as TensorFlow Serving does until SIGTERM or SIGINT, then finish what was admitted and return.

    As there, the ports open once a version can answer: an open port that answers nobody would make its callers wait.

    Raises:
        CannotListenError: If an address is taken or not ours.
        UnusableCertificateError: If TLS is on and its files cannot be used.
        UnreadableSettingError: If the settings name a backend that is a model server itself.
    """
    if not isinstance(settings.backend, EmbeddedBackendSettings):
        raise UnreadableSettingError("the model server has the model inside: unset DIGITCODEC_BACKEND__KIND")
    raise_file_limit(settings.http.max_connections)
    async with run_core(settings) as core:
        if await run_until_signal(wait_for_model(core)):
            await _answer_as_model_server(core, settings)
    _log.info("stopped")


async def _answer_as_model_server(core: Core, settings: Settings) -> None:
    place, grace_s = settings.model_server, settings.limits.shutdown_grace_s
    certificate = load_certificate(settings.tls)
    relabel = core.backend.assign_labels if isinstance(core.backend, EmbeddedBackend) else None
    rpc = build_model_server_rpc(core.context, settings.grpc, relabel, grace_s)
    address = rpc.bind(place.host, place.port, settings="DIGITCODEC_MODEL_SERVER__PORT", certificate=certificate)
    if place.socket is not None:
        rpc.bind_socket(place.socket, settings="DIGITCODEC_MODEL_SERVER__SOCKET")
    with listen(place.host, place.rest_port, settings="DIGITCODEC_MODEL_SERVER__REST_PORT") as listener:
        url = find_url(listener, tls=certificate is not None)
        note_open = partial(_log.info, "listening", url=url, grpc=address)
        app, note_ended = build_model_server_app(core.context), core.context.metrics.connections.note
        server = HttpServer(app, listener, settings.http, grace_s, certificate, note_ended)
        farewell = plan_farewell(core, rpc, settings.limits)
        await serve_until_signal([server, rpc], farewell, note_open=note_open)


def plan_farewell(core: Core, rpc: RpcServer, limits: LimitSettings) -> Farewell:
    """How the doors of a core are closed."""

    async def give_up() -> None:
        # What outlasts the grace is told so by the lanes, or where its rows are still parsed by its door.
        await core.lanes.close(grace_s=0)
        rpc.cut_off()

    return Farewell(core.context.codec.drain, limits.drain_delay_s, limits.shutdown_grace_s, give_up)


async def wait_for_model(core: Core) -> None:
    """Return once a version can answer; a backend has no event for it."""
    while not core.backend.is_ready():  # noqa: ASYNC110 - see above
        await asyncio.sleep(_LOOK_INTERVAL_S)


def _find_limits(settings: BatchingSettings | BulkSettings, root: Settings) -> BatchLimits:
    default = 1 if isinstance(root.backend, EmbeddedBackendSettings) else _REMOTE_BATCHES
    return BatchLimits(settings.max_batch_rows, settings.max_batches or default, settings.max_queue_rows)
