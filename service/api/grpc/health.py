"""grpc.health.v1: "" is liveness, each service's name is readiness, and draining is neither."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_health.v1.health import aio as health_aio

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
        self._servicer = _Servicer(self._tell)
        self._looking: asyncio.Task[None] | None = None

    def add_to(self, server: grpc.aio.Server) -> None:
        """Let the server answer grpc.health.v1.Health."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

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


class _Servicer(health_aio.HealthServicer):
    """The library's, whose answers are never older than the question."""

    def __init__(self, look: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._look = look

    async def Check(  # noqa: N802 - the library's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> health_pb2.HealthCheckResponse:
        """Answer one question."""
        await self._look()
        return await super().Check(request, context)
