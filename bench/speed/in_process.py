"""The HTTP server in this process, without sockets: what Python's part of a request costs, and nothing else."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from service.servers.connection import Connection
from service.servers.shared import SharedState
from service.settings import HttpSettings

_DATE = (b"date", b"Fri, 27 Nov 2026 12:00:00 GMT")
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class Caller(asyncio.Transport):
    """A caller who asks again when it has its answer, until it is told that it was the last."""

    def __init__(self, request: bytes, wire: socket.socket, go_on: Callable[[], bool]) -> None:
        """Prepare to ask.

        Args:
            request: Sent again and again.
            wire: Stands for the connection's socket; nothing is sent on it.
            go_on: Called for each answer; whether to ask again.
        """
        super().__init__({"socket": wire, "peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self._request = request
        self._go_on = go_on
        self._answer = b""
        self._loop = asyncio.get_running_loop()
        self.connection: Connection

    def ask(self) -> None:
        """Send the request, in the next turn of the loop as a socket would."""
        self._loop.call_soon(self.connection.data_received, self._request)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take a piece of the answer."""
        self._answer += data
        head, found, body = self._answer.partition(_HEAD_END)
        if found and len(body) == int(head.partition(_LENGTH)[2].partition(b"\r\n")[0]):
            self._answer = b""
            if self._go_on():
                self.ask()

    def is_closing(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """There is nothing to end."""

    def get_write_buffer_size(self) -> int:
        """Everything is taken at once."""
        return 0


class Course:
    """An application behind the server's connections."""

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        self._config = uvicorn.Config(app, http="httptools", lifespan="off", log_config=None, ws="none")
        self._config.load()
        self._shared = SharedState(settings)
        self._shared.default_headers = [_DATE]

    async def measure_us(self, requests: Sequence[bytes], count: int) -> float:
        """Processor time of this thread for one request, in microseconds.

        Args:
            requests: One for each caller; all of them ask at the same time.
            count: Requests to answer.
        """
        loop, left = asyncio.get_running_loop(), count
        end: asyncio.Future[None] = loop.create_future()

        def go_on() -> bool:
            nonlocal left
            left -= 1
            if left == 0:
                end.set_result(None)
            return left >= len(requests)

        with socket.socket() as wire:
            callers = [self._connect(request, wire, go_on) for request in requests]
            began_s = time.thread_time()
            for caller in callers:
                caller.ask()
            await end
            took_s = time.thread_time() - began_s
            for caller in callers:
                caller.connection.connection_lost(None)
        return took_s / count * 1e6

    def _connect(self, request: bytes, wire: socket.socket, go_on: Callable[[], bool]) -> Caller:
        caller = Caller(request, wire, go_on)
        connection: Any = Connection(self._config, self._shared, is_one_too_many=False)
        caller.connection = connection
        connection.connection_made(caller)
        return caller
