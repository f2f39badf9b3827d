"""A whole HTTP answer as a value, and how it is sent; knows ASGI and nothing else."""

from typing import NamedTuple

from starlette.types import Send

Header = tuple[bytes, bytes]

JSON = (b"content-type", b"application/json")
CLOSE = (b"connection", b"close")
NO_CONTENT = 204


class HttpAnswer(NamedTuple):
    """What goes back to the caller.

    Attributes:
        status: The HTTP status code.
        headers: All but Content-Length, X-Request-ID and Connection; names in lower case.
        body: The whole body; empty for none.
    """

    status: int
    headers: tuple[Header, ...]
    body: bytes = b""

    def list_headers(self, more: tuple[Header, ...]) -> list[Header]:
        """Its headers, more of them, and its length."""
        headers = [*self.headers, *more]
        if self.status != NO_CONTENT:  # RFC 9110, 8.6: it must not have a length
            headers.append((b"content-length", b"%d" % len(self.body)))
        return headers

    def start_message(self, *more: Header) -> dict[str, object]:
        """The ASGI message that opens the answer, with more headers."""
        return {"type": "http.response.start", "status": self.status, "headers": self.list_headers(more)}


async def send_answer(send: Send, answer: HttpAnswer, *headers: Header) -> None:
    """Send a whole answer, with more headers."""
    await send(answer.start_message(*headers))
    await send({"type": "http.response.body", "body": answer.body})
