"""HTTP/1.1 by hand on asyncio's transports: keep-alive connections that cost the load's process next to nothing."""

import asyncio
from typing import cast

from bench.words.ask import Reply

# Lines of an answer's head that differ between equal answers.
_INCIDENTAL = (b"date:", b"x-request-id:", b"connection:")
_CLOSE = b"connection: close"
# A server closes connections that idle for five seconds; one that is left sooner is never caught in the act.
_IDLE_LIMIT_S = 2.0


class CutOffError(Exception):
    """The connection ended before a whole answer came.

    Attributes:
        received: Bytes of the answer that had come.
    """

    def __init__(self, received: int) -> None:
        super().__init__(f"the connection ended after {received} bytes of an answer")
        self.received = received


class HttpConnection(asyncio.Protocol):
    """One connection, on which one request at a time is answered.

    Attributes:
        answers: How many it has had.
        is_open: False once either side has ended it, or an answer said that the server will.
        idle_since_s: When the last answer came, on the loop's clock.
    """

    def __init__(self) -> None:
        self.answers = 0
        self.is_open = False
        self.idle_since_s = 0.0
        self._buffer = bytearray()
        self._wanted: int | None = None
        self._waiter: asyncio.Future[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's: the connection is there."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Asyncio's: the connection is over."""
        self.is_open = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(CutOffError(len(self._buffer)))

    def data_received(self, data: bytes) -> None:
        """Asyncio's: more of an answer."""
        self._buffer += data
        if self._wanted is None:
            self._find_length()
        if self._wanted is not None and len(self._buffer) >= self._wanted:
            self._finish()

    async def ask(self, request: bytes) -> Reply:
        """Send a whole request and wait for the whole answer; to be bounded in time by the caller.

        Raises:
            CutOffError: If the connection ends before that.
        """
        if not self.is_open:
            raise CutOffError(0)
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiter

    def close(self) -> None:
        """End the connection, whatever is under way."""
        self.is_open = False
        self._transport.abort()

    def _find_length(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        self._head = bytes(self._buffer[:end])
        (length,) = (line for line in self._head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        self._wanted = end + 4 + int(length.partition(b":")[2])

    def _finish(self) -> None:
        lines = self._head.split(b"\r\n")
        kept = b"\r\n".join(line for line in lines[1:] if not line.lower().startswith(_INCIDENTAL))
        body = bytes(self._buffer[len(self._head) + 4 : self._wanted])
        self._buffer.clear()
        self._wanted = None
        self.answers += 1
        self.idle_since_s = asyncio.get_running_loop().time()
        if _CLOSE in self._head.lower():
            self.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(Reply(lines[0].split(b" ")[1].decode(), body, kept))


async def connect(host: str, port: int) -> HttpConnection:
    """A new connection.

    Raises:
        OSError: If nobody takes it.
    """
    _, connection = await asyncio.get_running_loop().create_connection(HttpConnection, host, port)
    return connection


class HttpCaller:
    """Sends requests side by side, each on an idle connection if there is one and on a new one else."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[HttpConnection] = []

    async def ask(self, request: bytes) -> Reply:
        """Send one request; the connection is given up if the wait is cancelled.

        Raises:
            CutOffError: If the connection ends before the whole answer.
            OSError: If a new connection cannot be had.
        """
        connection = self._take_idle() or await connect(self._host, self._port)
        try:
            reply = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        if connection.is_open:
            self._idle.append(connection)
        return reply

    def close(self) -> None:
        """End every idle connection."""
        while self._idle:
            self._idle.pop().close()

    def _take_idle(self) -> HttpConnection | None:
        """The one used last; when that has idled too long, all others have too."""
        while self._idle:
            connection = self._idle.pop()
            fresh_s = asyncio.get_running_loop().time() - _IDLE_LIMIT_S
            if connection.is_open and connection.idle_since_s > fresh_s:
                return connection
            connection.close()
        return None
