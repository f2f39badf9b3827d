"""The gateway's gRPC server over a fake backend, as it is started and stopped in service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.http_door import build_context
from support.raw_http import PATIENCE_S

from service.doors import build_gateway_rpc
from service.servers import ServerCertificate
from service.settings import GrpcSettings


@asynccontextmanager
async def running_rpc(certificate: ServerCertificate | None = None) -> AsyncIterator[str]:
    """The address of a server that lasts as long as the block."""
    server = build_gateway_rpc(build_context(), GrpcSettings(), 1, arrival_s=0)
    address = server.bind("127.0.0.1", 0, settings="", certificate=certificate)
    serving = asyncio.create_task(server.serve())
    try:
        yield address
    finally:
        server.stop()
        await asyncio.wait_for(serving, PATIENCE_S)
