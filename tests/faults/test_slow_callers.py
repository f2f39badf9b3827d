"""Callers who take their time, with the whole gateway behind the real server; the others are answered meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from support.fakes import FakeBackend, count_images
from support.http_door import LineLog, build_context
from support.raw_http import PATIENCE_S, RawClient, Running, connect, head, running_server
from support.running_rpc import running_rpc

from service.doors import build_gateway_app
from service.settings import LimitSettings

BODY = count_images(1).tobytes()
RAW = "content-type: application/octet-stream"
LENGTH = f"content-length: {len(BODY)}"


@pytest.fixture
def log() -> LineLog:
    """The lines of the gateway."""
    return LineLog()


@pytest.fixture
async def running(log: LineLog) -> AsyncIterator[Running]:
    """A gateway that waits for no one longer than half a second."""
    limits = LimitSettings(default_timeout_s=0.5)
    app = build_gateway_app(build_context(FakeBackend(), limits=limits, log=log))
    async with running_server(app, header_timeout_s=0.5, write_timeout_s=0.5) as server:
        yield server


async def ask_quickly(running: Running) -> int:
    """What a caller who does not dawdle is told."""
    async with connect(running.port) as client:
        client.send(head(RAW, LENGTH, method="POST", path="/encode") + BODY)
        return (await client.read_answer()).status


@pytest.mark.parametrize("path", ["/encode", "/v2/models/digits/infer", "/v1/models/digits:predict"])
@pytest.mark.parametrize(
    ("length", "piece"), [(LENGTH, BODY[:9]), ("transfer-encoding: chunked", b"9\r\n123456789\r\n")]
)
async def test_body_that_does_not_come_has_the_time_of_its_request(
    running: Running, path: str, length: str, piece: bytes
) -> None:
    """However it is announced, whichever protocol it speaks: 504, and the connection ends."""
    async with connect(running.port) as client:
        client.send(head(RAW, length, method="POST", path=path) + piece)
        quick = await ask_quickly(running)
        answer = await client.read_answer()
        rest = await client.read_to_end()

    assert (200, 504, b"") == (quick, answer.status, rest)


async def test_dripping_body_gains_no_time(running: Running) -> None:
    """The whole body has the time, not each piece of it."""
    async with connect(running.port) as client:
        client.send(head(RAW, LENGTH, method="POST", path="/encode"))
        async with client.dripping(0.02):
            answer = await client.read_answer()

    assert 504 == answer.status


@pytest.mark.parametrize("path", ["/models", "/nowhere", "/v2/health/live"])
@pytest.mark.parametrize("length", ["content-length: 1000", "content-length: 100000000", "transfer-encoding: chunked"])
async def test_pages_do_not_wait_for_a_body(running: Running, path: str, length: str) -> None:
    """They answer at once, and the connection does not stay for a body that never comes."""
    async with connect(running.port) as client:
        client.send(head(length, path=path))
        answer = await client.read_answer()
        rest = await client.read_to_end()

    assert answer.status in {200, 404}
    assert b"" == rest


async def test_callers_who_send_nothing_keep_nobody_from_asking(running: Running) -> None:
    """Two hundred of them; each is told in its time."""
    slow = [RawClient(*await asyncio.open_connection("127.0.0.1", running.port)) for _ in range(200)]
    quick = [await ask_quickly(running) for _ in range(5)]
    told = [(await client.read_answer()).status for client in slow]
    for client in slow:
        client.close()

    assert ([200] * 5, [408] * 200) == (quick, told)


@pytest.mark.parametrize("began", [b"", b"PRI * HTTP/2.0\r\n"], ids=["silence", "half a preface"])
async def test_grpc_connection_that_does_not_begin_ends(monkeypatch: pytest.MonkeyPatch, began: bytes) -> None:
    """It has the time of a head as well."""
    monkeypatch.setattr("service.servers.rpc._HANDSHAKE_TIMEOUT_MS", 300)
    async with running_rpc() as address, connect(int(address.rpartition(":")[2])) as client:
        client.send(began)
        heard = await client.read_to_end()

    assert len(heard) < 1000  # a frame or two that say so


async def test_caller_who_does_not_read_is_cut_off(running: Running) -> None:
    """Requests that come in faster than answers are taken hold no memory for ever."""
    request = head(RAW, f"content-length: {1000 * len(BODY)}", method="POST", path="/reconstruct") + BODY * 1000
    async with connect(running.port, limit=1024) as client:
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(_send_for_ever(client, request), PATIENCE_S)
        async with asyncio.timeout(PATIENCE_S):
            while running.server.connections:  # noqa: ASYNC110 - a server has no event for it
                await asyncio.sleep(0.01)
    quick = await ask_quickly(running)

    assert 200 == quick


async def _send_for_ever(client: RawClient, request: bytes) -> None:
    while True:
        client.send(request)
        await client.writer.drain()
