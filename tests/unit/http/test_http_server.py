"""The door behind our server, called over raw sockets as rude clients do."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator

import pytest
from support.fakes import HeldBackend, count_images
from support.http_door import LineLog, build_door
from support.raw_http import running_server

from service.images import render_png

PNG = render_png(count_images(1)[0])
ZEROS = bytes(2**16)


@pytest.fixture
def log() -> LineLog:
    """The lines of the door."""
    return LineLog()


@pytest.fixture
def backend() -> HeldBackend:
    """A backend whose gate the test opens."""
    return HeldBackend()


@pytest.fixture
async def port(backend: HeldBackend, log: LineLog) -> AsyncIterator[int]:
    """The port of a running server."""
    async with running_server(build_door(backend, log=log), grace_s=1) as running:
        yield running.port


def head(*lines: str, method: str = "POST", path: str = "/encode") -> bytes:
    """The head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: door", *lines, "", ""]).encode()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """One answer: status, headers and body."""
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(start.split()[1]), headers, body


async def pump(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Send the same bytes for ever, until the other side has had enough."""
    while True:
        writer.write(piece)
        await writer.drain()


@pytest.mark.parametrize(
    ("length", "piece"),
    [
        ("content-length: 1000000000", ZEROS),
        ("transfer-encoding: chunked", b"%x\r\n%s\r\n" % (len(ZEROS), ZEROS)),
    ],
    ids=["announced", "chunked"],
)
async def test_endless_body_is_answered_while_it_is_still_being_sent(
    monkeypatch: pytest.MonkeyPatch, port: int, length: str, piece: bytes
) -> None:
    """The whole 413 can be read in less than a second, and then the connection ends."""
    monkeypatch.setattr("service.api.http.body.LINGER_S", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began_s = time.monotonic()
    writer.write(head("content-type: application/x-npy", length))
    sending = asyncio.create_task(pump(writer, piece))
    status, headers, body = await read_answer(reader)
    took_s = time.monotonic() - began_s

    assert (413, "close", "too_large") == (status, headers["connection"], json.loads(body)["reason"])
    assert took_s < 1
    with pytest.raises(ConnectionError):
        await sending
    writer.close()


async def test_client_that_sends_everything_before_it_reads_gets_the_answer(port: int) -> None:
    """40 MB are thrown away for it, so that no reset overtakes the answer."""

    def call() -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(head("content-type: application/x-npy", "content-length: 40000000"))
            connection.sendall(bytes(40_000_000))
            return connection.recv(4096)

    assert (await asyncio.to_thread(call)).startswith(b"HTTP/1.1 413 ")


async def test_leaving_while_the_model_works_ends_the_request(port: int, backend: HeldBackend, log: LineLog) -> None:
    """The server notices the closed connection, and the line is written long before the deadline."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head("content-type: image/png", f"content-length: {len(PNG)}") + PNG)
    await backend.entered.wait()
    writer.close()
    await log.written.wait()

    assert [499] == [fields["status"] for _, _, fields in log.lines]
    backend.gate.set()


async def test_connection_is_kept_after_good_answers_and_small_refusals(port: int, backend: HeldBackend) -> None:
    """Three requests on one connection; no answer names the server."""
    backend.gate.set()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for media_type in ("image/png", "text/csv", "image/png"):
        writer.write(head(f"content-type: {media_type}", f"content-length: {len(PNG)}") + PNG)
        answers.append(await read_answer(reader))
    writer.close()

    assert [200, 415, 200] == [status for status, _, _ in answers]
    assert all("server" not in headers for _, headers, _ in answers)


async def test_head_has_the_headers_of_get_and_no_body(port: int) -> None:
    """The next answer on the connection begins right after the headers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for path in ("/livez", "/docs", "/encode"):
        writer.write(head(method="HEAD", path=path))
        answers.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
    writer.close()

    assert [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 405 Method Not Allowed"] == answers


async def test_expectation_of_continue_is_refused_before_the_body(port: int) -> None:
    """A client that asks first never sends what is too large."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head("content-type: application/x-npy", "content-length: 1000000000", "expect: 100-continue"))
    status, _, _ = await read_answer(reader)
    writer.close()

    assert 413 == status
