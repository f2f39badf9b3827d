"""What answers say about the software behind them: nothing."""

from typing import Any

import grpc
import pytest
from support.fakes import count_images
from support.http_door import build_context
from support.raw_http import PATIENCE_S, connect, head, running_server
from support.running_rpc import running_rpc

from service.doors import build_gateway_app
from service.wire import codec_pb2 as pb
from service.wire.codec_pb2_grpc import CodecStub

ALLOWED = {"date", "content-type", "content-length", "connection", "x-request-id", "allow", "location", "retry-after"}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/models", "/nowhere", "/encode", "/v2", "/v1/models/digits"])
async def test_http_answers_name_no_server(path: str) -> None:
    """No Server, Via or X-Powered-By, whatever is asked."""
    async with running_server(build_gateway_app(build_context())) as running, connect(running.port) as client:
        client.send(head(path=path))
        answer = await client.read_answer()

    assert set() == set(answer.headers) - ALLOWED


async def test_grpc_answers_name_no_server() -> None:
    """Neither before nor after the message, in an answer or a failure."""
    names: set[str] = set()
    async with running_rpc() as address, grpc.aio.insecure_channel(address) as channel:
        stub: Any = CodecStub(channel)
        for packed in (count_images(1).tobytes(), b"short"):
            call = stub.Encode(pb.EncodeRequest(images=pb.Images(packed=packed)), timeout=PATIENCE_S)
            await call.code()
            names |= {name for name, _ in (*await call.initial_metadata(), *await call.trailing_metadata())}

    assert set() == names - {"x-request-id", "grpc-status-details-bin"}
