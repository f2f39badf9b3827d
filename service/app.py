"""A service of one process: its doors over the core until a signal comes, and how they are closed."""

import asyncio
import socket
from functools import partial

import structlog
from starlette.types import ASGIApp

from service.collector import keep_from_collector
from service.core import Core, run_core
from service.doors import build_gateway_app, build_gateway_rpc, build_model_server_app, build_model_server_rpc
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
from service.settings import EmbeddedBackendSettings, LimitSettings, Settings, UnreadableSettingError

_log = structlog.get_logger()

_LOOK_INTERVAL_S = 0.05

HTTP_ADDRESS = "DIGITCODEC_HTTP__HOST and DIGITCODEC_HTTP__PORT"
"""What chooses the address of the gateway's HTTP door."""

GRPC_ADDRESS = "DIGITCODEC_GRPC__HOST and DIGITCODEC_GRPC__PORT"
"""The same for its gRPC door."""


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
            keep_from_collector()
            await serve_until_signal([server, rpc], farewell, note_open=note_open)
    _log.info("stopped")


def build_gateway_http(
    core: Core, listener: socket.socket, settings: Settings, certificate: ServerCertificate | None
) -> HttpServer:
    """The gateway's HTTP door on its socket."""
    app = build_gateway_app(core.context, settings.http.cors_origins)
    return _build_http(app, core, listener, settings, certificate)


def _build_http(
    app: ASGIApp, core: Core, listener: socket.socket, settings: Settings, certificate: ServerCertificate | None
) -> HttpServer:
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
    certificate = load_certificate(settings.tls)
    async with run_core(settings) as core:
        if await run_until_signal(wait_for_model(core)):
            await _answer_as_model_server(core, settings, certificate)
    _log.info("stopped")


async def _answer_as_model_server(core: Core, settings: Settings, certificate: ServerCertificate | None) -> None:
    place, grace_s = settings.model_server, settings.limits.shutdown_grace_s
    rpc = build_model_server_rpc(core.context, settings.grpc, core.relabel, grace_s)
    address = rpc.bind(place.host, place.port, settings="DIGITCODEC_MODEL_SERVER__PORT", certificate=certificate)
    if place.socket is not None:
        rpc.bind_socket(place.socket, settings="DIGITCODEC_MODEL_SERVER__SOCKET")
    with listen(place.host, place.rest_port, settings="DIGITCODEC_MODEL_SERVER__REST_PORT") as listener:
        url = find_url(listener, tls=certificate is not None)
        note_open = partial(_log.info, "listening", url=url, grpc=address)
        server = _build_http(build_model_server_app(core.context), core, listener, settings, certificate)
        farewell = plan_farewell(core, rpc, settings.limits)
        keep_from_collector()
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
