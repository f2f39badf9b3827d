"""What a caller asks for at one door and what comes back, as bytes; knows no protocol's words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class Door(StrEnum):
    """A way into the service, as the tables name it."""

    HTTP = "HTTP"
    GRPC = "gRPC"
    STREAM = "gRPC stream"
    OIP_REST = "OIP REST"
    OIP_GRPC = "OIP gRPC"
    TFS_REST = "TFS REST"
    TFS_GRPC = "TFS gRPC"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A POST over HTTP.

    Attributes:
        path: With its query.
        body: Sent with a Content-Length.
        headers: Beside Host and Content-Length.
    """

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def render(self, timeout_s: float | None = None) -> bytes:
        """The bytes that travel.

        Args:
            timeout_s: What the request may take, for X-Request-Timeout; None leaves it to the service.
        """
        headers = {"Host": "soak", **self.headers, "Content-Length": str(len(self.body))}
        if timeout_s is not None:
            headers["X-Request-Timeout"] = f"{timeout_s:.4f}"
        lines = (f"POST {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", "")
        return "\r\n".join(lines).encode() + self.body


@dataclass(frozen=True, slots=True)
class RpcRequest:
    """A unary call over gRPC.

    Attributes:
        path: Of the method.
        message: The serialized request.
    """

    path: str
    message: bytes


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A call of a method with streams both ways, which answers each message with one.

    Attributes:
        path: Of the method.
        messages: The serialized requests.
    """

    path: str
    messages: tuple[bytes, ...]


Request = HttpRequest | RpcRequest | StreamRequest


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: An HTTP status in digits, or the name of a gRPC one.
        body: The body, or the message; of a stream the messages one after the other.
        head: Lines of the HTTP head that belong to the answer: without date, id and what concerns the connection.
        reason: Of a failed gRPC call: that of its ErrorInfo.
        detail: Of a failed gRPC call: its text.
        parts: Of a stream: its messages.
    """

    status: str
    body: bytes = b""
    head: bytes = b""
    reason: str = ""
    detail: str = ""
    parts: tuple[bytes, ...] = ()

    def find_header(self, name: str) -> str | None:
        """The value of a header, or None."""
        for line in self.head.split(b"\r\n"):
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.encode():
                return value.strip().decode()
        return None


class UnreadableReplyError(Exception):
    """A good status came with something that is no answer."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says.

    Attributes:
        version: The model version that it names.
        outputs: Arrays by name: codes, images, reconstructions, errors, anomaly_scores.
    """

    version: int
    outputs: Arrays


Read = Callable[[Reply], Reading]
