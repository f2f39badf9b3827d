"""The two short ways between our server and an application: a whole body, a whole answer."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from support.raw_http import connect, head, running_server

from service.asgi import WHOLE_ANSWER, WHOLE_BODY


async def answer_with(scope: Scope, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    """A whole answer."""
    await scope["extensions"][WHOLE_ANSWER](status, [*headers, (b"content-length", b"%d" % len(body))], body)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body, or says that it is not all there."""
    body = scope["extensions"][WHOLE_BODY]()
    await answer_with(scope, b"not there" if body is None else body)


async def test_body_and_answer_pass_whole() -> None:
    """Also in many pieces, also an empty one; one request after the other on one connection."""
    chunks = b"".join(b"2\r\n%02d\r\n" % number for number in range(50)) + b"0\r\n\r\n"
    async with running_server(echo) as running, connect(running.port) as client:
        client.send(head("content-length: 5", method="POST") + b"hello")
        client.send(head("transfer-encoding: chunked", method="POST") + chunks)
        client.send(head("content-length: 0", method="POST"))
        answers = [await client.read_answer() for _ in range(3)]

    assert [b"hello", b"".join(b"%02d" % number for number in range(50)), b""] == [each.body for each in answers]
    assert all("date" in each.headers for each in answers)


async def test_body_that_is_not_all_there_comes_by_messages() -> None:
    """None of it is lost by having asked."""

    async def read(scope: Scope, receive: Receive, send: Send) -> None:
        body = scope["extensions"][WHOLE_BODY]()
        assert body is None
        pieces, more = [], True
        while more:
            message = await receive()
            pieces.append(message["body"])
            more = message["more_body"]
        await answer_with(scope, b"".join(pieces))

    async with running_server(read) as running, connect(running.port) as client:
        client.send(head("content-length: 6", method="POST") + b"abc")
        await asyncio.sleep(0.05)
        client.send(b"def")
        answer = await client.read_answer()

    assert b"abcdef" == answer.body


async def test_whole_body_needs_no_leave_to_come() -> None:
    """A caller who asks for it and does not wait hears nothing of 100."""

    async def listen_on(scope: Scope, receive: Receive, send: Send) -> None:
        body = scope["extensions"][WHOLE_BODY]()
        listening = asyncio.ensure_future(receive())
        await asyncio.sleep(0.05)
        listening.cancel()
        await answer_with(scope, body)

    async with running_server(listen_on) as running, connect(running.port) as client:
        client.send(head("content-length: 2", "expect: 100-continue", method="POST") + b"ok")
        answer = await client.read_answer()

    assert (200, b"ok") == (answer.status, answer.body)


async def test_large_answer_arrives() -> None:
    """Head and body are written apart."""

    async def answer_large(scope: Scope, receive: Receive, send: Send) -> None:
        await answer_with(scope, bytes(2**22))

    async with running_server(answer_large) as running, connect(running.port) as client:
        client.send(head() * 2)
        answers = [await client.read_answer() for _ in range(2)]

    assert [bytes(2**22)] * 2 == [each.body for each in answers]


async def test_header_cannot_bring_another() -> None:
    """A value with the end of a line is the application's fault: 500, and not one byte of it."""

    async def smuggle(scope: Scope, receive: Receive, send: Send) -> None:
        await answer_with(scope, b"", (b"x-word", b"one\r\nx-other: two"))

    async with running_server(smuggle) as running, connect(running.port) as client:
        client.send(head())
        answer = await client.read_answer()

    assert (500, True) == (answer.status, "x-other" not in answer.headers)


async def test_head_has_no_short_way_for_answers() -> None:
    """Its answers have no body, which only messages know."""
    offered: list[Any] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        offered.append(scope.get("extensions"))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with running_server(note) as running, connect(running.port) as client:
        client.send(head(method="HEAD"))
        await client.read_answer()

    assert [None] == offered


@pytest.mark.parametrize("is_whole", [True, False])
async def test_request_is_freed_at_once(is_whole: bool) -> None:  # noqa: FBT001 - a parameter
    """Without a collection: the short ways make no circle."""
    cycles: list[weakref.ref[Any]] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        cycles.append(weakref.ref(scope["extensions"][WHOLE_ANSWER].__self__))
        if is_whole:
            await answer_with(scope, b"")
        else:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    gc.collect()
    gc.disable()
    try:
        async with running_server(note) as running, connect(running.port) as client:
            for _ in range(3):
                client.send(head())
                await client.read_answer()
            alive = [cycle() is not None for cycle in cycles[:2]]
    finally:
        gc.enable()

    assert [False, False] == alive
