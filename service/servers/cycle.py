"""One request and its answer on a connection: uvicorn's, which can take a whole answer at once too."""

from collections.abc import Sequence

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle


class Cycle(RequestResponseCycle):
    """A request on its way through the application.

    Most bodies are there as a whole when they are asked for, and most answers when they are sent. uvicorn copies a body
    twice, takes an answer in two messages, looks at each header for what it may not hold and what it may mean, and
    writes twice: a quarter of the time of a request.

    Attributes:
        waiting_bytes: Of the body, that have come and were not received.
    """

    waiting_bytes = 0
    _chunks: list[bytes]

    def add_body(self, chunk: bytes) -> None:
        """A piece of the body has come."""
        if self.waiting_bytes:
            self._chunks.append(chunk)
        else:
            self._chunks = [chunk]
        self.waiting_bytes += len(chunk)
        self.message_event.set()

    def take_body(self) -> bytes | None:
        """What has come of the body if that is all of it, else None; see `service.asgi.WHOLE_BODY`."""
        if self.more_body or self.disconnected or self.response_complete:
            return None
        self.message_event.clear()
        return self._take()

    async def receive(self) -> ASGIReceiveEvent:
        """What has come since the last time; waits for it."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not self.disconnected and not self.response_complete:
            self.flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": self._take(), "more_body": self.more_body}

    def _take(self) -> bytes:
        if not self.waiting_bytes:
            return b""
        chunks, self._chunks, self.waiting_bytes = self._chunks, [], 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole answer to anything but HEAD; see `service.asgi.WHOLE_ANSWER`.

        Args:
            status: The HTTP status.
            headers: As they are sent, but for Date and Connection.
            body: All of it.

        Raises:
            ValueError: If a header holds the end of a line.
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        head = b"".join([b"%b: %b\r\n" % header for header in (*self.default_headers, *headers)])
        if head.count(b"\n") != len(self.default_headers) + len(headers):
            raise ValueError("a header of the answer holds the end of a line")
        ending = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        self.response_started = True
        self.waiting_for_100_continue = False
        self.transport.write(b"".join((STATUS_LINE[status], head, ending, body)))
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
