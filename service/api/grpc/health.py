"""grpc.health.v1: "" is liveness, each service's name is readiness, and draining is neither."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE

from service.api.callers import name_caller
from service.api.grpc.calls import Places, RpcContext
from service.api.grpc.frame import add_service, find_address, refuse, serialize
from service.api.grpc.incoming import QuestionReader, parse
from service.errors import DigitCodecError

_Status = health_pb2.HealthCheckResponse

# Between two looks for those who watch; whoever asks once is told how things are at that moment.
_LOOK_INTERVAL_S = 0.1

# Nobody needs a key to ask, and one who does not take the answer keeps the call open for ever.
_MAX_CHECKS = 256
_MAX_WATCHES = 256

__all__ = ["HEALTH_SERVICE", "HealthKeeper"]


class HealthKeeper:
    """Tells how things are, each caller by itself: one who takes no answer holds up nobody else.

    The library's servicer writes to its watchers one after the other, under the lock that every question takes.
    """

    def __init__(self, services: Sequence[str], is_ready: Callable[[], bool]) -> None:
        """Prepare.

        Args:
            services: Full names whose status is readiness.
            is_ready: Tells it.
        """
        self._services = frozenset(services)
        self._is_ready = is_ready
        self._is_draining = False
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._questions = QuestionReader()
        self._checks = Places(_MAX_CHECKS, "health checks")
        self._watches = Places(_MAX_WATCHES, "health watches")

    def add_to(self, server: grpc.aio.Server) -> None:
        """Let the server answer grpc.health.v1.Health."""
        handlers: dict[str, Any] = {
            "Check": grpc.stream_unary_rpc_method_handler(self._check, response_serializer=serialize),
            "Watch": grpc.stream_stream_rpc_method_handler(self._watch, response_serializer=serialize),
        }
        add_service(server, HEALTH_SERVICE, handlers)

    def start(self) -> None:
        """Look for changes from now on, for those who watch."""
        self._looking = asyncio.create_task(self._keep_looking())

    def drain(self) -> None:
        """Tell every caller and watcher to go elsewhere; stays so."""
        if self._looking is not None:
            self._looking.cancel()
        self._is_draining = True
        self._tell_watchers()

    async def _check(self, _: object, rpc: RpcContext) -> Message:
        """Answer one question, by how things are now."""
        try:
            service = await self._read(rpc, self._checks)
        except DigitCodecError as error:
            return await refuse(rpc, error)
        if not self._knows(service):
            return await rpc.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")
        return _Status(status=self._find(service))

    async def _watch(self, _: object, rpc: RpcContext) -> None:
        """Tell one watcher of every change, as fast as it takes the news."""
        try:
            service = await self._read(rpc, self._watches)
        except DigitCodecError as error:
            await refuse(rpc, error)
        told: int | None = None
        while True:
            changed = self._changed
            if (status := self._find(service)) != told:
                told = status
                await rpc.write(_Status(status=status))
            else:
                await changed.wait()

    async def _read(self, rpc: RpcContext, places: Places) -> str:
        """The service that is asked for."""
        places.take(rpc, name_caller(find_address(rpc)))
        return parse(health_pb2.HealthCheckRequest, await self._questions.read(rpc)).service

    def _knows(self, service: str) -> bool:
        return not service or service in self._services

    def _find(self, service: str) -> Any:
        """How a service is now, as the protocol numbers it."""
        if not self._knows(service):
            return _Status.SERVICE_UNKNOWN
        is_good = not self._is_draining and (not service or self._is_ready())
        return _Status.SERVING if is_good else _Status.NOT_SERVING

    async def _keep_looking(self) -> None:
        known = None
        while True:
            if (is_ready := self._is_ready()) != known:
                known = is_ready
                self._tell_watchers()
            await asyncio.sleep(_LOOK_INTERVAL_S)

    def _tell_watchers(self) -> None:
        """Wake all who wait, and let the next change wake them again."""
        self._changed.set()
        self._changed = asyncio.Event()
