"""Builds every door over one core, and the servers that they stand on."""

from collections.abc import Sequence

import grpc
from starlette.types import ASGIApp

from service.api import inference, tfserving
from service.api.context import DoorContext
from service.api.grpc import (
    ARRIVAL_S,
    HEALTH_SERVICE,
    CallTracker,
    HealthKeeper,
    add_codec_service,
    add_reflection,
    refuse_unknown,
)
from service.api.http import Neighbour, build_http_app
from service.api.http.cors import allow_origins
from service.api.inference import add_inference_service, build_inference_app
from service.api.tfserving import Relabel, add_serving_services, build_serving_app
from service.servers import RpcServer, build_rpc_server
from service.settings import GrpcSettings


def build_gateway_app(context: DoorContext, cors_origins: Sequence[str] = ()) -> ASGIApp:
    """Everything that the gateway answers over HTTP: our own routes, and two other protocols' below /v1 and /v2.

    Args:
        context: What the doors share.
        cors_origins: Whose pages may call; without any, no answer speaks of CORS.
    """
    app = build_http_app(
        context,
        {
            "/v1": Neighbour(build_serving_app(context), tfserving.PATHS),
            "/v2": Neighbour(build_inference_app(context), inference.PATHS),
        },
    )
    return allow_origins(app, cors_origins) if cors_origins else app


def build_gateway_rpc(
    context: DoorContext,
    settings: GrpcSettings,
    grace_s: float,
    *,
    arrival_s: float = ARRIVAL_S,
    shares_port: bool = False,
) -> RpcServer:
    """Everything that the gateway answers over gRPC; has no port yet.

    Args:
        context: What the doors share.
        settings: Limits of calls and messages.
        grace_s: Seconds that running calls have to finish after a stop.
        arrival_s: Seconds that the last answer then has to reach its caller.
        shares_port: It is one of several that listen on one port.
    """
    server = build_rpc_server(settings, shares_port=shares_port)
    tracker = CallTracker(settings.max_concurrent_calls, arrival_s, settings.max_message_bytes)
    services = (
        add_codec_service(
            server, context, tracker, stream_rows=settings.stream_rows, stream_idle_s=settings.stream_idle_s
        ),
        add_inference_service(server, context, tracker),
        *add_serving_services(server, context, tracker, packed_tensors=settings.packed_tensors, relabel=None),
    )
    return _finish(server, services, tracker, context, grace_s)


def build_model_server_rpc(
    context: DoorContext, settings: GrpcSettings, relabel: Relabel | None, grace_s: float
) -> RpcServer:
    """TensorFlow Serving's gRPC API alone, whose clients may move labels; has no port yet."""
    server = build_rpc_server(settings)
    tracker = CallTracker(settings.max_concurrent_calls, max_message_bytes=settings.max_message_bytes)
    services = add_serving_services(server, context, tracker, packed_tensors=settings.packed_tensors, relabel=relabel)
    return _finish(server, services, tracker, context, grace_s)


def build_model_server_app(context: DoorContext) -> ASGIApp:
    """TensorFlow Serving's REST API alone."""
    return build_serving_app(context)


class _Life:
    """What all services of one server do when it starts and stops; implements `service.servers.rpc.RpcLife`."""

    def __init__(self, health: HealthKeeper, tracker: CallTracker) -> None:
        self._health = health
        self._tracker = tracker

    def start(self) -> None:
        self._health.start()

    def drain(self) -> None:
        self._tracker.draining.set()
        self._health.drain()

    def cut_off(self) -> None:
        self._tracker.cut_off()

    async def wait_until_quiet(self) -> None:
        await self._tracker.wait_until_quiet()


def _finish(
    server: grpc.aio.Server, services: Sequence[str], tracker: CallTracker, context: DoorContext, grace_s: float
) -> RpcServer:
    """Add what every gRPC server has: health, reflection, and an answer to all else."""
    health = HealthKeeper(services, context.codec.is_ready)
    health.add_to(server)
    add_reflection(server, (*services, HEALTH_SERVICE), context)
    refuse_unknown(server, context)
    return RpcServer(server, _Life(health, tracker), grace_s)
