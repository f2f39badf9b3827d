"""A slow line on loopback: a relay that lets through so many bytes a second from the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_CHUNK_BYTES = 2**16


@asynccontextmanager
async def slow_line(address: str, bytes_per_s: float) -> AsyncIterator[str]:
    """The address of a relay to `address` (both host:port)."""
    host, _, port = address.rpartition(":")

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(host, int(port), limit=_CHUNK_BYTES)
        up = asyncio.create_task(_pump(reader, to_server, 0))
        try:
            await _pump(from_server, writer, 1 / bytes_per_s)
        finally:
            up.cancel()
            for end in (writer, to_server):
                end.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds_per_byte: float) -> None:
    while data := await reader.read(_CHUNK_BYTES):
        await asyncio.sleep(len(data) * seconds_per_byte)
        writer.write(data)
        await writer.drain()
