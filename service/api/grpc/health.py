"""grpc.health.v1: "" is liveness, each service's name is readiness, and draining is neither."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_health.v1.health import aio as health_aio

from service.api.grpc.frame import RpcContext, add_service, read_or_refuse, serialize

_Status = health_pb2.HealthCheckResponse
# Between two looks for those who watch; whoever asks once is told how things are at that moment.
_LOOK_INTERVAL_S = 0.1

__all__ = ["HEALTH_SERVICE", "HealthKeeper"]


class HealthKeeper:
    """Keeps the health service's statuses true while the service runs."""

    def __init__(self, services: Sequence[str], is_ready: Callable[[], bool]) -> None:
        """Prepare.

        Args:
            services: Full names whose status is readiness.
            is_ready: Tells it.
        """
        self._services = services
        self._is_ready = is_ready
        self._servicer = health_aio.HealthServicer()
        self._looking: asyncio.Task[None] | None = None

    def add_to(self, server: grpc.aio.Server) -> None:
        """Let the server answer grpc.health.v1.Health."""
        handlers: dict[str, Any] = {
            "Check": grpc.unary_unary_rpc_method_handler(self._check, response_serializer=serialize),
            "Watch": grpc.unary_stream_rpc_method_handler(self._watch, response_serializer=serialize),
        }
        add_service(server, HEALTH_SERVICE, handlers)

    async def start(self) -> None:
        """Tell how things are from now on."""
        await self._servicer.set("", _Status.SERVING)
        await self._tell()
        self._looking = asyncio.create_task(self._keep_telling())

    async def drain(self) -> None:
        """Tell every caller and watcher to go elsewhere; stays so."""
        if self._looking is not None:
            self._looking.cancel()
        await self._servicer.enter_graceful_shutdown()

    async def _check(self, data: bytes, rpc: RpcContext) -> Message:
        """Answer one question, by how things are now."""
        request = await read_or_refuse(health_pb2.HealthCheckRequest, data, rpc)
        await self._tell()
        return await self._servicer.Check(request, rpc)

    async def _watch(self, data: bytes, rpc: RpcContext) -> None:
        """Tell one watcher of every change."""
        await self._servicer.Watch(await read_or_refuse(health_pb2.HealthCheckRequest, data, rpc), rpc)

    async def _keep_telling(self) -> None:
        known = None
        while True:
            if self._is_ready() != known:
                known = await self._tell()
            await asyncio.sleep(_LOOK_INTERVAL_S)

    async def _tell(self) -> bool:
        is_ready = self._is_ready()
        for service in self._services:
            await self._servicer.set(service, _Status.SERVING if is_ready else _Status.NOT_SERVING)
        return is_ready
