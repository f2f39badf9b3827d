"""HTTP spoken by hand over real sockets, and small applications that say what they heard."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from service.servers import HttpServer, ServerCertificate, find_url, listen
from service.settings import HttpSettings

PATIENCE_S = 20
"""How long a test waits for what must come."""


@dataclass(frozen=True, slots=True)
class HeardAnswer:
    """One answer.

    Attributes:
        status: Its status code.
        headers: By name in lower case.
        body: Its body.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """Its body as a problem document."""
        document: dict[str, Any] = json.loads(self.body)
        return document


class RawClient:
    """The caller's end of a connection.

    Attributes:
        reader: What the server sends.
        writer: What the server hears.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    @asynccontextmanager
    async def dripping(self, pause_s: float) -> AsyncIterator[None]:
        """Send a byte again and again while the block lasts."""

        async def drip() -> None:
            while True:
                self.send(b"x")
                await asyncio.sleep(pause_s)

        task = asyncio.create_task(drip())
        try:
            yield
        finally:
            task.cancel()

    async def read_answer(self) -> HeardAnswer:
        """The next answer."""
        async with asyncio.timeout(PATIENCE_S):
            start, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return HeardAnswer(int(start.split()[1]), headers, body)

    async def read_to_end(self) -> bytes:
        """All that comes until the server closes or cuts the connection."""
        heard = bytearray()
        async with asyncio.timeout(PATIENCE_S):
            try:
                while piece := await self.reader.read(2**16):
                    heard += piece
            except ConnectionError:
                return bytes(heard)
        return bytes(heard)

    def close(self) -> None:
        """Leave."""
        self.writer.close()


def head(*lines: str, method: str = "GET", path: str = "/") -> bytes:
    """The head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: door", *lines, "", ""]).encode()


@asynccontextmanager
async def connect(port: int, **options: Any) -> AsyncIterator[RawClient]:
    """A connection to a port of this machine; options as of `asyncio.open_connection`."""
    client = RawClient(*await asyncio.open_connection("127.0.0.1", port, **options))
    try:
        yield client
    finally:
        client.close()


class Running:
    """A running HTTP server.

    Attributes:
        server: The server.
        port: Its port.
        serving: Ends with it.
    """

    def __init__(
        self, app: ASGIApp, settings: HttpSettings, grace_s: float, certificate: ServerCertificate | None
    ) -> None:
        listener = listen("127.0.0.1", 0, settings="")
        self.port = int(find_url(listener).rpartition(":")[2])
        self.server = HttpServer(app, listener, settings, grace_s, certificate)
        self.serving = asyncio.create_task(self.server.serve())

    async def stop(self) -> None:
        """Stop it, and return once it has ended."""
        self.server.stop()
        await asyncio.wait_for(self.serving, PATIENCE_S)


@asynccontextmanager
async def running_server(
    app: ASGIApp, *, grace_s: float = 0.2, certificate: ServerCertificate | None = None, **settings: Any
) -> AsyncIterator[Running]:
    """A server that is stopped in the end; settings as of `HttpSettings`."""
    running = Running(app, HttpSettings(**settings), grace_s, certificate)
    try:
        yield running
    finally:
        await running.stop()


class Echo:
    """Answers with the body of the request, its scheme and its caller.

    Attributes:
        count: How many requests came.
        disconnected: Set once a caller was heard to leave.
        entered: Set once a request came.
        gate: Requests are held until it is set.
        headers: Those of the last request.
    """

    def __init__(self, *, is_open: bool = True) -> None:
        self.count = 0
        self.disconnected = asyncio.Event()
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.headers: list[tuple[bytes, bytes]] = []
        if is_open:
            self.gate.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.count += 1
        self.headers = scope["headers"]
        self.entered.set()
        await self.gate.wait()
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected.set()
                return
            body, more = body + message["body"], message["more_body"]
        document = {"body": body.decode(), "scheme": scope["scheme"], "caller": scope["client"][0]}
        await send_answer(send, json.dumps(document).encode())


async def send_answer(send: Send, body: bytes, status: int = 200) -> None:
    """Send an answer of one piece."""
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
