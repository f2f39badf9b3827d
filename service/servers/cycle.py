"""One request and its answer on a connection: uvicorn's, which can pass a body and an answer whole too."""

from collections.abc import Sequence

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from service.asgi import WHOLE_ANSWER, WHOLE_BODY

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Cycle(RequestResponseCycle):
    """A request on its way through the application.

    Most bodies are there as a whole when they are asked for, and most answers when they are sent. uvicorn copies a body
    twice, takes an answer in two messages, looks at each header for what it may not hold and what it may mean, and
    writes twice: a quarter of the time of a request.
    """

    # The first piece of a body as it came, which mostly is all of it; later ones are joined in uvicorn's `body`.
    _first = b""

    def offer_short_ways(self) -> None:
        """Put them into the scope; for HEAD none, whose answers have no body, which only messages know."""
        if self.scope["method"] != "HEAD":
            self.scope["extensions"] = {WHOLE_ANSWER: self.answer, WHOLE_BODY: self.take_body}  # type: ignore[dict-item] # ASGI's own are dicts

    def withdraw_short_ways(self) -> None:
        """Undo that the scope leads back here, so that both are freed at once and not by a collection."""
        self.scope.pop("extensions", None)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the body that have come and were not received."""
        return len(self._first) + len(self.body)

    def add_body(self, piece: bytes) -> None:
        """A piece of the body has come."""
        if self._first or self.body:
            self.body += piece
        else:
            self._first = piece
        self.message_event.set()

    def end_body(self) -> None:
        """All of it has come."""
        self.more_body = False
        self.message_event.set()

    def disconnect(self) -> None:
        """Let the application know that nobody waits for its answer."""
        self.disconnected = True
        self.message_event.set()

    def take_body(self) -> bytes | None:
        """What has come of the body if that is all of it, else None; see `service.asgi.WHOLE_BODY`."""
        if self.more_body or self.disconnected or self.response_complete:
            return None
        self.waiting_for_100_continue = False  # it has been sent unasked
        self.message_event.clear()
        return self._take()

    async def receive(self) -> ASGIReceiveEvent:
        """What has come since the last time; waits for it."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(_CONTINUE)
            self.waiting_for_100_continue = False
        if not self.disconnected and not self.response_complete:
            self.flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": self._take(), "more_body": self.more_body}

    def _take(self) -> bytes:
        first, self._first = self._first, b""
        if not self.body:
            return first
        rest, self.body = self.body, bytearray()
        return first + rest

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
        head = self._render_head(status, headers)
        self.response_started = True
        self.waiting_for_100_continue = False
        if len(body) <= HIGH_WATER_LIMIT:
            self.transport.write(head + body)
        else:  # too much to be copied
            self.transport.write(head)
            self.transport.write(body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _render_head(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        lines = [b"%b: %b\r\n" % header for header in (*self.default_headers, *headers)]
        text = b"".join(lines)
        if text.count(b"\n") != len(lines):
            raise ValueError("a header of the answer holds the end of a line")
        return b"".join((STATUS_LINE[status], text, b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"))
