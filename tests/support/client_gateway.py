"""A gateway in this process for the Python client: both doors on real sockets over a fake backend, and four callers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from support.fakes import FakeBackend
from support.http_door import LineLog, build_codec, build_context
from support.raw_http import PATIENCE_S, running_server

from service.access import Gate
from service.client import AsyncClient, Client, Retries
from service.doors import build_gateway_app, build_gateway_rpc
from service.servers import ServerCertificate
from service.settings import GrpcSettings, LimitSettings

Protocol = Literal["http", "grpc"]
Kind = Literal["sync", "async"]

QUICK = Retries(first_wait_s=0.002, last_wait_s=0.01)
"""Other tries without a wait to speak of."""


@dataclass(frozen=True, slots=True)
class ClientGateway:
    """A gateway that listens.

    Attributes:
        backend: Answers.
        log: What it logged.
        urls: Where it listens, by protocol.
    """

    backend: FakeBackend
    log: LineLog
    urls: dict[str, str]

    def list_ids(self) -> list[str]:
        """The ids of the requests so far that brought rows."""
        return [fields["request_id"] for _, _, fields in self.log.lines if fields.get("rows")]


@asynccontextmanager
async def open_client_gateway(
    backend: FakeBackend | None = None,
    *,
    gate: Gate | None = None,
    certificate: ServerCertificate | None = None,
    rpc: GrpcSettings | None = None,
    **limits: Any,
) -> AsyncIterator[ClientGateway]:
    """A gateway that lasts as long as the block; limits as of `LimitSettings`."""
    rpc = rpc or GrpcSettings(port=0)
    backend, log, settings = backend or FakeBackend(), LineLog(), LimitSettings(**limits)
    codec = build_codec(backend, max_rows=settings.max_rows)
    context = build_context(backend, codec=codec, limits=settings, gate=gate, log=log)
    server = build_gateway_rpc(context, rpc, 1, arrival_s=0)
    address = server.bind("127.0.0.1", rpc.port, settings="", certificate=certificate)
    serving = asyncio.create_task(server.serve())
    end = "s" if certificate else ""
    async with running_server(build_gateway_app(context), certificate=certificate) as running:
        urls = {"http": f"http{end}://127.0.0.1:{running.port}", "grpc": f"grpc{end}://{address}"}
        yield ClientGateway(backend, log, urls)
        server.stop()
        await asyncio.wait_for(serving, PATIENCE_S)


class Driven:
    """One of the two clients, driven in the same way: the sync one in threads."""

    def __init__(self, kind: Kind, url: str, **options: Any) -> None:
        self._client: Any = (Client if kind == "sync" else AsyncClient)(url, **{"retries": QUICK, **options})
        self._is_sync = kind == "sync"

    async def call(self, name: str, *args: Any, **options: Any) -> Any:
        """Call a method of the client."""
        method: Callable[..., Any] = getattr(self._client, name)
        if self._is_sync:
            return await asyncio.to_thread(method, *args, **options)
        return await method(*args, **options)

    async def list_all(self, name: str, *args: Any, **options: Any) -> list[Any]:
        """All answers to a set."""
        answers = getattr(self._client, name)(*args, **options)
        if self._is_sync:
            return await asyncio.to_thread(list, answers)
        return [answer async for answer in answers]

    async def take_first(self, name: str, *args: Any, **options: Any) -> Any:
        """The first answer to a set, which is then left."""
        answers = getattr(self._client, name)(*args, **options)
        if self._is_sync:
            first = await asyncio.to_thread(next, answers)
            await asyncio.to_thread(answers.close)
            return first
        first = await anext(answers)
        await answers.aclose()
        return first

    async def close(self) -> None:
        """Close the client."""
        await self.call("close")


@asynccontextmanager
async def driving(kind: Kind, url: str, **options: Any) -> AsyncIterator[Driven]:
    """A client for as long as the block."""
    driven = Driven(kind, url, **options)
    try:
        yield driven
    finally:
        await driven.close()
