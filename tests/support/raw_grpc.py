"""A gRPC caller who says that it will take nothing: no client of gRPC's own can be made to."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from google.protobuf.message import Message
from support.raw_http import PATIENCE_S

_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_INITIAL_WINDOW_SIZE = 4


@asynccontextmanager
async def call_without_window(address: str, method: str, request: Message) -> AsyncIterator[None]:
    """A call whose caller never takes a message, though it answers pings; has begun when the block begins.

    Args:
        address: Host and port.
        method: Its path.
        request: Its one message.
    """
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    no_window = struct.pack(">HI", _INITIAL_WINDOW_SIZE, 0)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, no_window))
    data = request.SerializeToString()
    writer.write(_frame(_HEADERS, _END_HEADERS, 1, _render_head(method)))
    writer.write(_frame(_DATA, _END_STREAM, 1, b"\0" + struct.pack(">I", len(data)) + data))
    has_begun = asyncio.Event()
    answering = asyncio.create_task(_answer_frames(reader, writer, has_begun))
    try:
        await asyncio.wait_for(has_begun.wait(), PATIENCE_S)
        yield
    finally:
        answering.cancel()
        writer.close()


async def _answer_frames(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, has_begun: asyncio.Event) -> None:
    """Keep the connection alive; the call has begun when its head is answered, which takes no window."""
    while True:
        head = await reader.readexactly(9)
        body = await reader.readexactly(int.from_bytes(head[:3]))
        kind, flags = head[3], head[4]
        if kind == _HEADERS:
            has_begun.set()
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            writer.write(_frame(kind, _ACK, 0, body if kind == _PING else b""))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """RFC 9113, 4.1."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _render_head(method: str) -> bytes:
    """Headers, each as a literal without a name from a table (RFC 7541, 6.2.2)."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": method,
        ":authority": "x",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    return b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in headers.items()
    )
