"""What a caller may do with the head of a request, and what it is told when it goes too far."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send
from support.raw_http import PATIENCE_S, Echo, connect, head, running_server, send_answer

from service.servers import HttpServer, listen
from service.settings import HttpSettings

SLOW_S = 0.2


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, whatever the body may be."""
    await send_answer(send, b"no", 415)


@pytest.mark.parametrize("began", [b"", b"GET / HTTP/1.1\r\nhost: door\r\nx-slow: "], ids=["silence", "half a head"])
async def test_head_that_does_not_come_ends_the_connection(began: bytes) -> None:
    """The caller hears so, in the shape of all problems."""
    async with running_server(Echo(), header_timeout_s=SLOW_S) as running, connect(running.port) as client:
        client.send(began)
        answer = await client.read_answer()
        rest = await client.read_to_end()

    assert (408, "close", "application/problem+json") == (
        answer.status,
        answer.headers["connection"],
        answer.headers["content-type"],
    )
    assert (408, "deadline_exceeded") == (answer.problem["status"], answer.problem["reason"])
    assert b"" == rest


async def test_dripping_head_gains_no_time() -> None:
    """The whole head has the time, not each byte of it."""
    async with running_server(Echo(), header_timeout_s=SLOW_S) as running, connect(running.port) as client:
        client.send(b"GET / HTTP/1.1\r\nx-slow: ")
        async with client.dripping(0.01):
            answer = await client.read_answer()

    assert 408 == answer.status


async def test_head_of_the_next_request_has_its_own_time() -> None:
    """It begins with its first byte, not with the connection."""
    async with running_server(Echo(), header_timeout_s=SLOW_S) as running, connect(running.port) as client:
        answers = []
        for _ in range(2):
            client.send(head())
            answers.append(await client.read_answer())
            await asyncio.sleep(0.3)
        client.send(b"GET / HT")
        answers.append(await client.read_answer())

    assert [200, 200, 408] == [answer.status for answer in answers]


async def test_waiting_for_a_slow_answer_is_no_fault_of_the_caller() -> None:
    """Half of the next head may come meanwhile."""
    echo = Echo(is_open=False)
    async with running_server(echo, header_timeout_s=SLOW_S) as running, connect(running.port) as client:
        client.send(head() + b"GET / HT")
        await asyncio.sleep(0.5)
        echo.gate.set()
        first = await client.read_answer()
        client.send(b"TP/1.1\r\nhost: door\r\n\r\n")
        second = await client.read_answer()

    assert (200, 200) == (first.status, second.status)


async def test_rest_of_an_answered_body_has_the_time_of_a_head() -> None:
    """A request may be answered before its body is here; then the body is waited for no longer than a head."""
    async with running_server(refuse, header_timeout_s=SLOW_S) as running, connect(running.port) as client:
        client.send(head("content-length: 10", method="POST") + b"12345")
        told = await client.read_answer()
        client.send(b"6")
        rest = await client.read_to_end()

    assert (415, b"") == (told.status, rest)


async def test_connection_is_kept_after_the_rest_of_an_answered_body() -> None:
    """The next request on it is answered."""
    async with running_server(refuse) as running, connect(running.port) as client:
        client.send(head("content-length: 10", method="POST") + b"12345")
        first = await client.read_answer()
        client.send(b"67890" + head())
        second = await client.read_answer()

    assert (415, 415) == (first.status, second.status)


async def test_connection_ends_if_nothing_comes_after_the_rest_of_an_answered_body() -> None:
    """Both together have the time of a head."""
    async with running_server(refuse, header_timeout_s=SLOW_S) as running, connect(running.port) as client:
        client.send(head("content-length: 10", method="POST") + b"12345")
        await client.read_answer()
        client.send(b"67890")
        answer = await client.read_answer()

    assert 408 == answer.status


async def test_idle_connection_ends_after_its_time() -> None:
    """Without a word: the caller has asked for nothing."""
    async with running_server(Echo(), keep_alive_s=1) as running, connect(running.port) as client:
        client.send(head())
        answer = await client.read_answer()
        rest = await client.read_to_end()

    assert (200, b"") == (answer.status, rest)


async def test_empty_line_after_an_answer_holds_no_connection() -> None:
    """It may come before a head (RFC 9112, 2.2), and has the time of one."""
    async with running_server(Echo(), header_timeout_s=SLOW_S, grace_s=600) as running, connect(running.port) as client:
        client.send(head())
        await client.read_answer()
        client.send(b"\r\n")
        answer = await client.read_answer()

    assert 408 == answer.status


@pytest.mark.parametrize(
    "lines",
    [[f"x-long: {'x' * 2000}"], [f"x-{number}: 1" for number in range(20)]],
    ids=["bytes", "lines"],
)
async def test_large_head_is_refused(lines: list[str]) -> None:
    """Too long or too many lines."""
    async with (
        running_server(Echo(), max_header_bytes=1024, max_headers=10) as running,
        connect(running.port) as client,
    ):
        client.send(head(*lines))
        answer = await client.read_answer()
        rest = await client.read_to_end()

    assert (431, "close", "too_large") == (answer.status, answer.headers["connection"], answer.problem["reason"])
    assert b"" == rest


async def test_long_path_is_refused() -> None:
    """The first line is a part of the head."""
    async with running_server(Echo(), max_header_bytes=1024) as running, connect(running.port) as client:
        client.send(head(path="/" + "x" * 2000))
        answer = await client.read_answer()

    assert 431 == answer.status


@pytest.mark.parametrize("piece_bytes", [1, 100, 10_000])
async def test_head_within_the_limits_is_taken(piece_bytes: int) -> None:
    """However it is cut into pieces, and whatever follows it."""
    request = head(f"x-long: {'x' * 900}", "content-length: 9000", method="POST") + b"y" * 9000
    async with running_server(Echo(), max_header_bytes=1024, max_headers=3) as running, connect(running.port) as client:
        answers = []
        for _ in range(2):
            for start in range(0, len(request), piece_bytes):
                client.send(request[start : start + piece_bytes])
                if piece_bytes < 1000:
                    await asyncio.sleep(0)
            answers.append(await client.read_answer())

    assert [(200, "y" * 9000)] * 2 == [(answer.status, answer.problem["body"]) for answer in answers]


async def test_endless_head_is_read_no_further() -> None:
    """The caller hears it while it still sends, and its connection ends."""
    async with running_server(Echo(), max_header_bytes=4096) as running, connect(running.port) as client:
        client.send(b"GET / HTTP/1.1\r\nx-endless: ")

        async def pump() -> None:
            while True:
                client.send(b"x" * 2**16)
                await client.writer.drain()

        pumping = asyncio.create_task(pump())
        answer = await client.read_answer()
        with pytest.raises(ConnectionError):
            await pumping

    assert 431 == answer.status


async def test_many_requests_in_one_piece_are_no_large_head() -> None:
    """The limit is one of each head, also when they come at once."""
    async with running_server(Echo(), max_header_bytes=1024) as running, connect(running.port) as client:
        client.send(head() * 100)
        answers = [await client.read_answer() for _ in range(100)]

    assert [200] * 100 == [answer.status for answer in answers]


@pytest.mark.parametrize(
    "garbage", [b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nhost door\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"]
)
async def test_malformed_request_is_told_so(garbage: bytes) -> None:
    """In the shape of all problems; a TLS hello is one, too."""
    async with running_server(Echo()) as running, connect(running.port) as client:
        client.send(garbage)
        answer = await client.read_answer()

    assert (400, "close", "malformed_request") == (
        answer.status,
        answer.headers["connection"],
        answer.problem["reason"],
    )


async def test_refusals_have_the_documented_shape_and_name_no_server() -> None:
    """The keys are those of every problem document."""
    async with running_server(Echo()) as running, connect(running.port) as client:
        client.send(b"?\r\n\r\n")
        answer = await client.read_answer()

    assert {"type", "title", "status", "detail", "instance", "reason", "request_id", "errors"} == set(answer.problem)
    assert {"date", "content-type", "content-length", "connection"} == set(answer.headers)


async def test_garbage_after_a_request_is_refused_in_its_turn() -> None:
    """Else the refusal would be taken for the answer to the good one."""
    echo = Echo(is_open=False)
    async with running_server(echo) as running, connect(running.port) as client:
        client.send(head() + head() + b"garbage\r\n\r\n")
        await echo.entered.wait()
        await asyncio.sleep(0.05)
        echo.gate.set()
        answers = [await client.read_answer() for _ in range(3)]

    assert [200, 200, 400] == [answer.status for answer in answers]


async def test_broken_body_is_refused_and_its_request_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application hears at once that nobody waits any more."""
    monkeypatch.setattr("service.servers.connection.LINGER_S", 60)
    echo = Echo()
    async with running_server(echo) as running, connect(running.port) as client:
        client.send(head("transfer-encoding: chunked", method="POST") + b"5\r\nhello\r\n")
        await echo.entered.wait()
        client.send(b"nonsense\r\n")
        answer = await client.read_answer()
        await asyncio.wait_for(echo.disconnected.wait(), 10)

    assert (400, "malformed_request") == (answer.status, answer.problem["reason"])


async def test_broken_body_of_a_waiting_request_leaves_the_one_before_it_alone() -> None:
    """The first is answered, the second refused, and the application never hears of it."""
    echo = Echo(is_open=False)
    async with running_server(echo) as running, connect(running.port) as client:
        client.send(head() + head("transfer-encoding: chunked", method="POST") + b"nonsense\r\n")
        await echo.entered.wait()
        echo.gate.set()
        answers = [await client.read_answer() for _ in range(2)]

    assert [200, 400] == [answer.status for answer in answers]
    assert 1 == echo.count


async def test_trailers_are_no_headers() -> None:
    """Nobody can add one past those who look at headers first."""
    echo = Echo()
    async with running_server(echo) as running, connect(running.port) as client:
        client.send(head("transfer-encoding: chunked", method="POST"))
        client.send(b"5\r\nhello\r\n0\r\nauthorization: Bearer x\r\n\r\n")
        answer = await client.read_answer()

    assert "hello" == answer.problem["body"]
    assert b"authorization" not in dict(echo.headers)


async def test_endless_trailers_are_refused() -> None:
    """They count as a head does."""
    async with running_server(Echo(), max_header_bytes=4096) as running, connect(running.port) as client:
        client.send(head("transfer-encoding: chunked", method="POST") + b"5\r\nhello\r\n")
        await asyncio.sleep(0.05)
        client.send(b"0\r\nx-endless: ")
        for _ in range(10):
            client.send(b"x" * 1000)
            await asyncio.sleep(0.01)
        answer = await client.read_answer()

    assert 431 == answer.status


@pytest.mark.parametrize("target", ["http://door", "http://door/", "/"])
async def test_whole_urls_are_taken(target: str) -> None:
    """As callers of a proxy send them, also without a path."""
    paths = []

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        paths.append(scope["path"])
        await send_answer(send, b"")

    async with running_server(answer) as running, connect(running.port) as client:
        client.send(head(path=target))
        heard = await client.read_answer()

    assert (200, ["/"]) == (heard.status, paths)


async def test_wish_for_another_protocol_is_passed_over() -> None:
    """As curl --http2 sends it; the request itself is answered, and then the connection ends."""
    async with running_server(Echo()) as running, connect(running.port) as client:
        client.send(head("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAoAAA"))
        answer = await client.read_answer()
        rest = await client.read_to_end()

    assert (200, "close", b"") == (answer.status, answer.headers["connection"], rest)


async def test_ended_connections_are_counted() -> None:
    """For who watches: no request tells of them."""
    ended: list[tuple[str, int]] = []
    listener = listen("127.0.0.1", 0, settings="")
    server = HttpServer(Echo(), listener, HttpSettings(), 0.2, note_ended=lambda *each: ended.append(each))
    serving = asyncio.create_task(server.serve())
    async with connect(listener.getsockname()[1]) as client:
        client.send(b"no HTTP\r\n\r\n")
        await client.read_answer()
    server.stop()
    await asyncio.wait_for(serving, PATIENCE_S)

    assert [("400_malformed_request", 1)] == ended
