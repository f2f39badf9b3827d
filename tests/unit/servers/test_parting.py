"""How an HTTP server leaves: nobody who was heard, or could have been, goes without an answer."""

import asyncio
import socket

import pytest
from starlette.types import Receive, Scope, Send
from support.raw_http import Echo, connect, head, running_server
from support.server_pki import ServerPki

from service.servers import load_certificate


async def test_answers_after_the_announcement_end_their_connections() -> None:
    """So that callers leave while there is time; requests are still answered, on new connections too."""
    async with running_server(Echo()) as running, connect(running.port) as old:
        old.send(head())
        before = await old.read_answer()
        running.server.announce()
        old.send(head())
        after = await old.read_answer()
        async with connect(running.port) as new:
            new.send(head())
            on_new = await new.read_answer()
            rest = await new.read_to_end()

    assert (None, "close", "close") == tuple(each.headers.get("connection") for each in (before, after, on_new))
    assert (200, 200, b"") == (after.status, on_new.status, rest)


async def test_answer_under_way_at_the_announcement_ends_its_connection() -> None:
    """Its request came before, its head leaves after."""
    echo = Echo(is_open=False)
    async with running_server(echo) as running, connect(running.port) as client:
        client.send(head())
        await echo.entered.wait()
        running.server.announce()
        echo.gate.set()
        answer = await client.read_answer()

    assert (200, "close") == (answer.status, answer.headers["connection"])


async def test_answer_that_has_begun_keeps_its_promise() -> None:
    """Its head said that the connection stays; the next answer ends it."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def answer_in_two(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        began.set()
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"ok"})

    async with running_server(answer_in_two) as running, connect(running.port) as client:
        client.send(head())
        await began.wait()
        running.server.announce()
        go_on.set()
        first = await client.read_answer()
        client.send(head())
        second = await client.read_answer()

    assert (None, "close") == (first.headers.get("connection"), second.headers["connection"])


async def test_connections_that_wait_for_accept_are_answered() -> None:
    """They are open for their callers; a server that closes its socket would reset them."""
    async with running_server(Echo(), grace_s=20) as running:
        await asyncio.sleep(0.05)
        running.server.stop()
        # The loop has had no turn since the stop: it has accepted none of these.
        sockets = [_call(running.port) for _ in range(50)]
        answers = await asyncio.gather(*(asyncio.to_thread(_read, each) for each in sockets))

    assert [b"HTTP/1.1 200 OK"] * 50 == answers


async def test_request_on_an_idle_connection_right_after_the_stop_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was on its way when the server decided to leave."""
    monkeypatch.setattr("service.servers.http.PARTING_S", 10)
    async with running_server(Echo(), grace_s=20) as running, connect(running.port) as client:
        client.send(head())
        await client.read_answer()
        running.server.stop()
        await asyncio.sleep(0.2)
        client.send(head())
        answer = await client.read_answer()

    assert (200, "close") == (answer.status, answer.headers["connection"])


async def test_request_that_the_event_loop_has_not_read_yet_is_answered() -> None:
    """Its bytes are with the kernel when the idle connections are closed."""
    async with running_server(Echo(), grace_s=20) as running, connect(running.port) as client:
        client.send(head())
        await client.read_answer()
        await asyncio.sleep(0)
        (connection,) = running.server.find_connections()
        client.send(head())  # written to the kernel at once; the loop has had no turn to read it
        connection.part(quiet_since_s=float("inf"))
        is_closing = connection.transport.is_closing()
        answer = await client.read_answer()
        connection.part(quiet_since_s=float("inf"))

    assert (False, 200, True) == (is_closing, answer.status, connection.transport.is_closing())


async def test_new_connection_has_time_to_speak() -> None:
    """Its caller has said nothing yet, but it did not come for nothing."""
    async with running_server(Echo(), grace_s=20) as running:
        began_s = asyncio.get_running_loop().time() - 1
        async with connect(running.port):
            while not running.server.find_connections():  # noqa: ASYNC110 - a server has no event for it
                await asyncio.sleep(0.01)
            (connection,) = running.server.find_connections()
            connection.part(quiet_since_s=began_s)
            early = connection.transport.is_closing()
            connection.part(quiet_since_s=float("inf"))
            late = connection.transport.is_closing()

    assert (False, True) == (early, late)


async def test_handshake_under_way_ends_with_the_grace(pki: ServerPki, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller who says nothing is not left on a connection of nobody."""
    monkeypatch.setattr("service.servers.http.FAREWELL_S", 0.1)
    certificate = load_certificate(pki.settings())
    async with (
        running_server(Echo(), certificate=certificate, grace_s=0, header_timeout_s=600) as running,
        connect(running.port) as client,
    ):
        while not running.server.connections:  # noqa: ASYNC110 - a server has no event for it
            await asyncio.sleep(0.01)
        await running.stop()
        heard = await client.read_to_end()

    assert (b"", 0) == (heard, running.server.connections)


async def test_half_a_head_may_be_finished() -> None:
    """The request was on its way."""
    async with running_server(Echo(), grace_s=20) as running, connect(running.port) as client:
        client.send(b"GET / HTTP/1.1\r\n")
        await asyncio.sleep(0.05)
        running.server.stop()
        await asyncio.sleep(0.5)
        client.send(b"host: door\r\n\r\n")
        answer = await client.read_answer()

    assert (200, "close") == (answer.status, answer.headers["connection"])


async def test_idle_connections_do_not_hold_up_the_stop() -> None:
    """With all the grace in the world."""
    async with (
        running_server(Echo(), grace_s=600) as running,
        connect(running.port) as kept,
        connect(running.port) as silent,
    ):
        kept.send(head())
        await kept.read_answer()
        await running.stop()
        heard = await kept.read_to_end(), await silent.read_to_end()

    assert (b"", b"") == heard


async def test_request_that_outlasts_the_grace_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application is cancelled, and the server ends."""
    monkeypatch.setattr("service.servers.http.FAREWELL_S", 0.1)
    cancelled = asyncio.Event()

    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with running_server(hang, grace_s=0) as running, connect(running.port) as client:
        client.send(head())
        await asyncio.sleep(0.1)
        await running.stop()
        heard = await client.read_to_end()

    assert cancelled.is_set()
    assert not heard.startswith(b"HTTP/1.1 200")


def _call(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(head())
    return client


def _read(client: socket.socket) -> bytes:
    with client:
        client.settimeout(20)
        return client.recv(65536).split(b"\r\n")[0]
