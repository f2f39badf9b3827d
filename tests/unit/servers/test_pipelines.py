"""Requests that come on one connection before the answers to those before them."""

import asyncio

from starlette.types import Receive, Scope, Send
from support.raw_http import PATIENCE_S, Echo, connect, head, running_server, send_answer

from service.servers.connection import MAX_UNANSWERED


class Listener:
    """Answers nobody, and listens until its caller leaves.

    Attributes:
        count: How many requests came.
        entered: Set once one is here to its end.
        disconnected: Set once its caller was heard to leave.
    """

    def __init__(self) -> None:
        self.count = 0
        self.entered = asyncio.Event()
        self.disconnected = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request."""
        self.count += 1
        await receive()
        self.entered.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        self.disconnected.set()


async def test_too_many_at_once_are_refused_in_their_turn() -> None:
    """Those before have their answers, and nothing that comes later is even kept."""
    echo = Echo()
    async with running_server(echo) as running, connect(running.port) as client:
        client.send(head() * (MAX_UNANSWERED + 50))
        answers = [await client.read_answer() for _ in range(MAX_UNANSWERED + 1)]
        rest = await client.read_to_end()

    assert [200] * MAX_UNANSWERED + [429] == [answer.status for answer in answers]
    assert (MAX_UNANSWERED, b"") == (echo.count, rest)


async def test_as_many_can_come_again_once_they_are_answered() -> None:
    """It is a bound on what waits, not on what a connection may ask."""
    async with running_server(Echo()) as running, connect(running.port) as client:
        statuses = []
        for _ in range(3):
            client.send(head() * MAX_UNANSWERED)
            statuses += [(await client.read_answer()).status for _ in range(MAX_UNANSWERED)]

    assert [200] * 3 * MAX_UNANSWERED == statuses


async def test_large_body_waits_for_its_turn_with_the_caller() -> None:
    """However many answers go before it, little of it is taken; then it is taken to its end."""
    held: list[int] = []
    body_bytes = 2**23

    async def answer_slowly(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await receive()
            await asyncio.sleep(0.005)  # time to read more
            (connection,) = running.server.find_connections()
            held.append(connection.cycle.waiting_bytes)
            await send_answer(send, b"")
            return
        count, more = 0, True
        while more:
            message = await receive()
            count, more = count + len(message["body"]), message["more_body"]
        await send_answer(send, b"%d" % count)

    async with running_server(answer_slowly) as running, connect(running.port) as client:
        client.send(head() * 50 + head(f"content-length: {body_bytes}", method="POST") + bytes(body_bytes))
        answers = [await client.read_answer() for _ in range(51)]

    assert 0 < max(held) < 2**20
    assert b"%d" % body_bytes == answers[-1].body


async def test_caller_who_leaves_is_missed_by_the_request_in_work() -> None:
    """Also while a newer one waits behind it, which never begins."""
    listener = Listener()
    async with running_server(listener) as running:
        async with connect(running.port) as client:
            client.send(head() * 2)
            await listener.entered.wait()
        await asyncio.wait_for(listener.disconnected.wait(), PATIENCE_S)

    assert 1 == listener.count
