"""A gRPC server that ends by itself ends the service, which somebody will start again."""

import asyncio

import pytest
from grpc_health.v1 import health_pb2
from support.http_door import build_context
from support.raw_grpc import call_without_window
from support.raw_http import PATIENCE_S

from service.doors import build_gateway_rpc
from service.servers import RpcServer
from service.servers.rpc import RpcLife, ServerEndedError, build_rpc_server
from service.settings import GrpcSettings


class NoLife(RpcLife):
    """Nothing to start and nothing to drain.

    Attributes:
        started: Set once the server answers.
    """

    def __init__(self) -> None:
        self.started = asyncio.Event()

    def start(self) -> None:
        """Tell that the server answers."""
        self.started.set()

    def drain(self) -> None:
        """Nothing."""

    async def wait_until_quiet(self) -> None:
        """Nothing."""

    def cut_off(self) -> None:
        """Nothing."""


async def test_end_that_nobody_asked_for_is_an_error() -> None:
    """As grpcio 1.84 did at one odd request: its port was shut while the process lived on."""
    grpc_server, life = build_rpc_server(GrpcSettings()), NoLife()
    server = RpcServer(grpc_server, life, grace_s=0)
    server.bind("127.0.0.1", 0, settings="")
    serving = asyncio.create_task(server.serve())
    await life.started.wait()
    await grpc_server.stop(None)

    with pytest.raises(ServerEndedError):
        await asyncio.wait_for(serving, PATIENCE_S)


async def test_stop_is_no_such_end() -> None:
    """A server that was told to stop returns."""
    server = build_gateway_rpc(build_context(), GrpcSettings(), 1, arrival_s=0)
    server.bind("127.0.0.1", 0, settings="")
    serving = asyncio.create_task(server.serve())
    await asyncio.sleep(0)
    server.stop()
    await asyncio.wait_for(serving, PATIENCE_S)


async def test_watcher_who_takes_nothing_does_not_hold_up_the_stop() -> None:
    """Health is told to everybody for whom it is no trouble."""
    server = build_gateway_rpc(build_context(), GrpcSettings(), 1, arrival_s=0)
    address = server.bind("127.0.0.1", 0, settings="")
    serving = asyncio.create_task(server.serve())
    asked = health_pb2.HealthCheckRequest(service="digitcodec.v1.Codec")
    async with call_without_window(address, "/grpc.health.v1.Health/Watch", asked):
        server.stop()
        await asyncio.wait_for(serving, PATIENCE_S)
