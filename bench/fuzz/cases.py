"""What is sent in one try, as values that can be written to a file and read back."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class HttpCase:
    """One request whose framing is right, whatever is in it.

    Attributes:
        method: As in the request line.
        target: Path and query.
        headers: All but Content-Length.
        body: Sent whole, with its length.
    """

    method: bytes
    target: bytes
    headers: Headers = ()
    body: bytes = b""

    def to_wire(self) -> bytes:
        """The bytes of the request; HTTP/1.1 wants a Host."""
        headers = self.headers
        if not any(name.lower() == b"host" for name, _ in headers):
            headers = ((b"Host", b"127.0.0.1"), *headers)
        lines = [b"%s %s HTTP/1.1" % (self.method, self.target), *(b"%s: %s" % pair for pair in headers)]
        if self.body or self.method == b"POST":
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join([*lines, b"", self.body])


@dataclass(frozen=True, slots=True)
class RawCase:
    """Bytes on a connection, with no promise of what they are.

    Attributes:
        port: Whose: HTTP/1.1 is spoken at one, HTTP/2 at the other.
        data: What is sent.
    """

    port: Literal["http", "grpc"]
    data: bytes


@dataclass(frozen=True, slots=True)
class RpcCase:
    """One call over gRPC.

    Attributes:
        path: Service and method.
        messages: One for a unary call, any number for a stream.
        is_stream: True for a method that streams.
    """

    path: str
    messages: tuple[bytes, ...]
    is_stream: bool = False


Case = HttpCase | RawCase | RpcCase

_KINDS: Mapping[str, type[Case]] = {kind.__name__: kind for kind in (HttpCase, RawCase, RpcCase)}


def dump_case(case: Case) -> dict[str, Any]:
    """The case for JSON; bytes are in base64."""
    return {"kind": type(case).__name__, **{field.name: _dump(getattr(case, field.name)) for field in fields(case)}}


def load_case(document: Mapping[str, Any]) -> Case:
    """The case that was dumped."""
    kind = _KINDS[document["kind"]]
    return kind(**{field.name: _load(document[field.name]) for field in fields(kind)})


def _dump(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return [_dump(each) for each in value] if isinstance(value, tuple) else value


def _load(value: Any) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return tuple(_load(each) for each in value) if isinstance(value, list) else value
