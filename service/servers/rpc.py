"""A gRPC server on its ports and sockets."""

import asyncio
from pathlib import Path
from typing import Protocol

import grpc

from service.servers.base import CannotListenError
from service.servers.http import FAREWELL_S
from service.settings import GrpcSettings


def build_rpc_server(settings: GrpcSettings) -> grpc.aio.Server:
    """A server without services and ports yet; to be made on the event loop that will run it."""
    return grpc.aio.server(
        maximum_concurrent_rpcs=settings.max_concurrent_calls,
        options=[
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            ("grpc.max_send_message_length", settings.max_message_bytes),
            # Two services on one port would each get every other caller; the second is told instead.
            ("grpc.so_reuseport", 0),
            # Clients behind load balancers ping idle connections; every ten seconds is not too often.
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ],
    )


class RpcLife(Protocol):
    """What the services of a server do at the turns of its life."""

    async def start(self) -> None:
        """The server has begun to answer."""

    async def drain(self) -> None:
        """The server takes no new call; calls without an end of their own are to end."""

    async def wait_until_idle(self) -> None:
        """Return once no call is under way that deserves the grace.

        A health watch or an idle reflection stream does not: it would hold up every stop.
        """


class RpcServer:
    """A gRPC server that drains; implements `service.servers.Server`."""

    def __init__(self, server: grpc.aio.Server, life: RpcLife, grace_s: float) -> None:
        """Wrap a server that has its services.

        Args:
            server: From `build_rpc_server`.
            life: What its services do when it starts and stops.
            grace_s: Seconds that running calls have to finish after `stop`.
        """
        self._server = server
        self._life = life
        self._grace_s = grace_s
        self._stopping = asyncio.Event()

    def bind(self, host: str, port: int, *, settings: str) -> str:
        """Take a port; returns host:port as clients reach it.

        Raises:
            CannotListenError: If the address is taken or not ours.
        """
        name = f"[{host}]" if ":" in host else host
        try:
            return f"{name}:{self._server.add_insecure_port(f'{name}:{port}')}"
        except RuntimeError as error:
            raise CannotListenError(
                f"cannot listen on {name}:{port} for gRPC; choose another address with {settings}"
            ) from error

    def bind_socket(self, path: Path) -> None:
        """Answer on a Unix socket too.

        Raises:
            CannotListenError: If it cannot be made there.
        """
        try:
            self._server.add_insecure_port(f"unix:{path.absolute()}")
        except RuntimeError as error:
            raise CannotListenError(f"cannot make the socket {path}") from error

    async def serve(self) -> None:
        """Answer until `stop`, then finish what runs."""
        await self._server.start()
        await self._life.start()
        await self._stopping.wait()
        await self._life.drain()
        closing = asyncio.create_task(self._server.stop(self._grace_s + FAREWELL_S))
        idle = asyncio.ensure_future(self._life.wait_until_idle())
        await asyncio.wait({closing, idle}, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        await self._server.stop(None)
        await closing

    def stop(self) -> None:
        """Take no new call."""
        self._stopping.set()
