"""One request and its answer on a connection: uvicorn's, which can take a whole answer at once too."""

from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle


class Cycle(RequestResponseCycle):
    """A request on its way through the application.

    Most answers are there as a whole when they are sent. uvicorn takes them in two messages, looks at each header for
    what it may not hold and what it may mean, and writes twice: a fifth of the time of a request.
    """

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
