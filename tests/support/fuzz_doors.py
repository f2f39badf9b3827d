"""Sends the cases of `bench.fuzz` to all doors of one gateway in this process, over a fake backend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import grpc
import httptools
from starlette.types import ASGIApp
from support.fakes import FakeBackend
from support.http_door import Caller, CountingExecutor, body_message, build_context, build_scope

from bench.fuzz.cases import HttpCase, RpcCase
from bench.fuzz.replies import HttpReply, RpcReply
from service.doors import build_gateway_app, build_gateway_rpc
from service.settings import GrpcSettings, LimitSettings

_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class FuzzDoors:
    """All doors of a gateway.

    Attributes:
        app: HTTP.
        channel: Leads to gRPC.
        address: Where gRPC listens, host:port.
    """

    app: ASGIApp
    channel: grpc.aio.Channel
    address: str

    async def request(self, case: HttpCase) -> HttpReply | None:
        """The answer to a request; None where the HTTP server would not have handed it on."""
        try:
            scope = _build_scope(case)
        except (httptools.HttpParserError, UnicodeDecodeError):
            return None
        caller = Caller(body_message(case.body))
        async with asyncio.timeout(_TIMEOUT_S):
            await self.app(scope, caller.receive, caller.send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in caller.headers.items()}
        return HttpReply(caller.status, headers, b"" if case.method == b"HEAD" else caller.body)

    async def call(self, case: RpcCase) -> RpcReply:
        """How a call ends."""
        messages: list[bytes] = []
        call = self._start(case)
        with suppress(grpc.aio.AioRpcError):
            if case.is_stream:
                messages.extend([message async for message in call])
            else:
                messages.append(await call)
        code, detail = await call.code(), await call.details()
        return RpcReply(code.name, detail or "", dict(await call.trailing_metadata() or ()), tuple(messages))

    def _start(self, case: RpcCase) -> Any:
        if case.is_stream:
            stream: Any = self.channel.stream_stream(case.path)
            return stream(iter(case.messages), timeout=_TIMEOUT_S)
        unary: Any = self.channel.unary_unary(case.path)
        return unary(case.messages[0], timeout=_TIMEOUT_S)


def _build_scope(case: HttpCase) -> dict[str, Any]:
    """What uvicorn makes of the request's head."""
    url = httptools.parse_url(case.target)
    headers = [(name.lower(), value) for name, value in case.headers]
    if case.body or case.method == b"POST":
        headers.append((b"content-length", b"%d" % len(case.body)))
    path = unquote((url.path or b"").decode("ascii"))
    scope = build_scope("/", *headers, method=case.method.decode(), query=url.query or b"")
    return {**scope, "path": path, "raw_path": url.path or b"", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}


@asynccontextmanager
async def open_fuzz_doors() -> AsyncIterator[FuzzDoors]:
    """A gateway that lasts as long as the block."""
    with CountingExecutor() as bulk:
        context = build_context(FakeBackend(1, labels={"stable": 1}), bulk=bulk, limits=LimitSettings())
        server = build_gateway_rpc(context, GrpcSettings(), grace_s=0, arrival_s=0)
        address = server.bind("127.0.0.1", 0, settings="")
        serving = asyncio.create_task(server.serve())
        async with grpc.aio.insecure_channel(address) as channel:
            yield FuzzDoors(build_gateway_app(context), channel, address)
        server.stop()
        await serving
