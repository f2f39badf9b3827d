"""gRPC doors over a fake backend: a real server on a free loopback port and a channel to it, no TensorFlow."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from service.api.grpc.status import DETAILS_KEY
from service.servers import build_rpc_server
from service.settings import GrpcSettings

DETAILS = (ErrorInfo, BadRequest, RetryInfo)


@asynccontextmanager
async def open_server(
    add_services: Callable[[grpc.aio.Server], Any], settings: GrpcSettings | None = None
) -> AsyncIterator[str]:
    """The address of a server with these services, which lasts as long as the block."""
    server = build_rpc_server(settings or GrpcSettings())
    add_services(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@asynccontextmanager
async def open_channel(
    add_services: Callable[[grpc.aio.Server], Any], settings: GrpcSettings | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to such a server."""
    async with open_server(add_services, settings) as address, grpc.aio.insecure_channel(address) as channel:
        yield channel


def read_details(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """The rich details of a failed call, by the name of their message."""
    metadata = dict(error.trailing_metadata() or ())
    status = Status.FromString(metadata[DETAILS_KEY])
    found: dict[str, Any] = {}
    for packed in status.details:
        for kind in DETAILS:
            if packed.Is(kind.DESCRIPTOR):
                found[kind.__name__] = kind.FromString(packed.value)
    return found


def read_reason(error: grpc.aio.AioRpcError) -> str:
    """The reason of a failed call."""
    reason: str = read_details(error)["ErrorInfo"].reason
    return reason
