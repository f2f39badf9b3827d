"""How many connections there may be, and how long a caller may leave an answer unread."""

import asyncio
import errno
import socket
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from support.raw_http import PATIENCE_S, Echo, RawClient, Running, connect, head, running_server, send_answer
from support.server_pki import ServerPki

from service.servers import HttpServer, listen, load_certificate
from service.servers.connection import Connection
from service.settings import HttpSettings

# More than the kernel takes on loopback without a reader.
LARGE = bytes(2**25)


async def answer_at_length(scope: Scope, receive: Receive, send: Send) -> None:
    """An answer that nobody can take without reading."""
    await send_answer(send, LARGE)


async def ask(client: RawClient) -> int:
    """One request; its status."""
    client.send(head())
    return (await client.read_answer()).status


async def wait_for_count(running: Running, count: int) -> None:
    """Return once so many connections are open."""
    async with asyncio.timeout(PATIENCE_S):
        while running.server.connections != count:  # noqa: ASYNC110 - a server has no event for it
            await asyncio.sleep(0.01)


async def test_one_connection_too_many_is_turned_away() -> None:
    """At once, and even before it asks for anything; those that are open go on."""
    async with (
        running_server(Echo(), max_connections=2) as running,
        connect(running.port) as first,
        connect(running.port) as second,
    ):
        before = [await ask(first), await ask(second)]
        async with connect(running.port) as third:
            refusal = await third.read_answer()
            rest = await third.read_to_end()
        after = [await ask(first), await ask(second)]

    assert ([200, 200], [200, 200]) == (before, after)
    assert (503, "overloaded", "close") == (refusal.status, refusal.problem["reason"], refusal.headers["connection"])
    assert 1 <= int(refusal.headers["retry-after"])
    assert b"" == rest


async def test_place_of_a_caller_who_left_is_free() -> None:
    """Those that were turned away never had one."""
    async with running_server(Echo(), max_connections=1) as running:
        async with connect(running.port) as first:
            await ask(first)
            async with connect(running.port) as second, connect(running.port) as third:
                refused = [(await client.read_answer()).status for client in (second, third)]
        await wait_for_count(running, 0)
        async with connect(running.port) as fourth:
            taken = await ask(fourth)

    assert ([503, 503], 200) == (refused, taken)


async def test_flood_beyond_the_limit_holds_few_connections() -> None:
    """Most are closed without a word."""
    async with running_server(Echo(), max_connections=1) as running, connect(running.port) as first:
        await ask(first)
        flood = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", running.port) for _ in range(200)))
        clients = [RawClient(*each) for each in flood]
        heard = await asyncio.gather(*(client.read_to_end() for client in clients))
        still = await ask(first)
        for client in clients:
            client.close()

    assert {b"", b"HTTP/1.1 503"} == {answer[:12] for answer in heard}
    assert 200 == still


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("lines", [[], ["connection: close"]], ids=["kept", "closing"])
async def test_answer_that_is_not_read_is_not_kept_for_ever(lines: list[str], pki: ServerPki, *, tls: bool) -> None:
    """The connection is cut, with what was still to be sent."""
    certificate = load_certificate(pki.settings()) if tls else None
    with capture_logs() as logs:
        async with (
            running_server(answer_at_length, certificate=certificate, write_timeout_s=0.3, keep_alive_s=600) as running,
            connect(running.port, limit=1024, ssl=pki.trust() if tls else None) as client,
        ):
            client.send(head(*lines))
            await wait_for_count(running, 1)
            await wait_for_count(running, 0)
            heard = await client.read_to_end()

    assert len(heard) < len(LARGE)
    assert [1] == [line["answer_not_read"] for line in logs if line["event"] == "connections_ended"]


async def test_reading_caller_gets_a_large_answer() -> None:
    """The time is one for the whole answer, not for each look at it."""
    async with running_server(answer_at_length) as running, connect(running.port) as client:
        client.send(head("connection: close"))
        heard = await client.read_to_end()

    assert heard.endswith(LARGE)


async def test_connections_ended_by_us_make_one_line() -> None:
    """However many strangers there are."""
    with capture_logs() as logs:
        async with running_server(Echo()) as running:
            for _ in range(20):
                async with connect(running.port) as client:
                    client.send(b"?\r\n\r\n")
                    await client.read_answer()
    lines = [line for line in logs if line["event"] == "connections_ended"]

    assert 20 == sum(line["400_malformed_request"] for line in lines)
    assert len(lines) <= 3


async def test_fault_of_one_connection_is_its_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut and reported; the others and the server go on."""
    monkeypatch.setattr("service.servers.http._CHECK_INTERVAL_S", 0.01)
    look = Connection.check
    with capture_logs() as logs:
        async with running_server(Echo()) as running, connect(running.port) as ill:
            await ask(ill)
            (faulty,) = running.server.find_connections()

            def check(self: Connection, now_s: float) -> None:
                if self is faulty:
                    raise AttributeError("no such thing")
                look(self, now_s)

            async with connect(running.port) as sound:
                before = await ask(sound)
                monkeypatch.setattr(Connection, "check", check)
                heard = await ill.read_to_end()
                after, has_ended = await ask(sound), running.serving.done()

    assert (200, b"", 200, False) == (before, heard, after, has_ended)
    assert 1 == [line["event"] for line in logs].count("connection_faulty")


class Exhausted(socket.socket):
    """A listening socket of a process that has no file descriptors left for a while."""

    def __init__(self, descriptor: int, failures: int) -> None:
        super().__init__(fileno=descriptor)
        self._failures = failures

    def accept(self) -> tuple[socket.socket, Any]:
        """Fail so many times."""
        if self._failures:
            self._failures -= 1
            raise OSError(errno.EMFILE, "too many open files")
        return super().accept()


async def test_lack_of_file_descriptors_is_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers wait in the queue; the log says why."""
    monkeypatch.setattr("service.servers.accepting._PAUSE_S", 0.1)
    with listen("127.0.0.1", 0, settings="") as first, Exhausted(first.detach(), 1) as listener:
        server = HttpServer(Echo(), listener, HttpSettings(), 1)
        port = listener.getsockname()[1]
        serving = asyncio.create_task(server.serve())
        with capture_logs() as logs:
            async with connect(port) as client:
                status = await ask(client)
        server.stop()
        await serving

    assert (200, ["cannot_accept"]) == (status, [line["event"] for line in logs])


async def test_stop_without_file_descriptors_is_the_end_of_accepting(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause goes on behind it, after which the socket is gone."""
    monkeypatch.setattr("service.servers.accepting._PAUSE_S", 0.05)
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    with listen("127.0.0.1", 0, settings="") as first, Exhausted(first.detach(), 10**6) as listener:
        server = HttpServer(Echo(), listener, HttpSettings(), 1)
        async with connect(listener.getsockname()[1]):
            server.stop()
            await asyncio.wait_for(server.serve(), PATIENCE_S)
            await asyncio.sleep(0.2)

    assert [] == faults


class Tide(socket.socket):
    """A listening socket on which there is always one more caller, who has left already."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(fileno=descriptor)
        self.count = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """Fail as the system does then."""
        self.count += 1
        raise ConnectionAbortedError if self.count < 10**5 else BlockingIOError


async def test_flood_does_not_hold_up_the_stop() -> None:
    """Only those are taken that could have waited."""
    with listen("127.0.0.1", 0, settings="") as first, Tide(first.detach()) as listener:
        server = HttpServer(Echo(), listener, HttpSettings(), 1)
        server.stop()
        await asyncio.wait_for(server.serve(), PATIENCE_S)

    assert listener.count < 10**4
