"""What a connection is told that is ended before the application hears of a request: fixed answers in our own shape."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

_RETRY_AFTER = (b"retry-after", b"1")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One such answer.

    Attributes:
        status: The HTTP status code.
        reason: As in every problem document.
        detail: What happened.
        may_retry: True if the same request can succeed a second later.
    """

    status: int
    reason: str
    detail: str
    may_retry: bool = False

    def render(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The whole answer, which ends its connection.

        Args:
            headers: What every answer of the server carries.
        """
        status = HTTPStatus(self.status)
        body = self._render_body(status.phrase)
        own = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *([_RETRY_AFTER] if self.may_retry else []),
        ]
        lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode())]
        lines += [name + b": " + value for name, value in (*headers, *own)]
        return b"\r\n".join([*lines, b"", body])

    def _render_body(self, title: str) -> bytes:
        # No request was understood, so there is no path and no id.
        document = {
            "type": f"/docs#problem-{self.reason}",
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "instance": "",
            "reason": self.reason,
            "request_id": "",
            "errors": [],
        }
        return json.dumps(document).encode()


MALFORMED = Refusal(400, "malformed_request", "what came is no valid HTTP request")
TIMED_OUT = Refusal(408, "deadline_exceeded", "the head of the request was not complete in time", may_retry=True)
HEAD_TOO_LARGE = Refusal(431, "too_large", "the head of the request has more bytes or lines than are taken")
TOO_MANY_AT_ONCE = Refusal(
    429, "overloaded", "too many requests of this connection wait for their answers", may_retry=True
)
TOO_MANY = Refusal(503, "overloaded", "too many connections are open", may_retry=True)
