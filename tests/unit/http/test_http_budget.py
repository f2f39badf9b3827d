"""All requests together hold no more bytes than they may, and give back what they held, however they end."""

import asyncio
import threading
from typing import Any, cast

import httpx
import pytest
from support.fakes import FakeBackend, HeldBackend, count_images
from support.http_door import DISCONNECT, Caller, body_message, build_context, build_scope, open_client

from service.api.context import DoorContext
from service.api.http.media import RAW
from service.api.http.parsing import IMAGE_PARSERS
from service.api.reading import ReadContext, UndecodedRows
from service.doors import build_gateway_app
from service.settings import LimitSettings

LIMIT = 10_000
OCTETS = {"content-type": "application/octet-stream"}
LIMITS = LimitSettings(max_inflight_bytes=LIMIT, max_body_bytes=LIMIT)


def build(backend: FakeBackend | None = None) -> DoorContext:
    """Doors with room for ten thousand bytes."""
    return build_context(backend or FakeBackend(), limits=LIMITS)


async def post(client: httpx.AsyncClient, rows: int) -> httpx.Response:
    """Score so many images."""
    return await client.post("/score", content=count_images(rows).tobytes(), headers=OCTETS)


async def test_held_until_the_answer_is_there() -> None:
    """A request that does not fit beside another is refused at once, and fits once that one has its answer."""
    backend = HeldBackend()
    context = build(backend)
    async with open_client(build_gateway_app(context)) as client:
        first = asyncio.create_task(post(client, 10))
        await backend.wait_for_batches(1)
        held, refused = context.budget.used, await post(client, 4)
        backend.gate.set()
        answered, after = await first, await post(client, 4)

    assert 7840 == held
    assert (429, "overloaded", "1") == (refused.status_code, refused.json()["reason"], refused.headers["retry-after"])
    assert [200, 200] == [answered.status_code, after.status_code]
    assert 0 == context.budget.used


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/score", b"x" * 783),
        ("/score", b""),
        ("/v2/models/digits-encode/infer", b"{}"),
        ("/v1/models/digits:predict", b"{"),
    ],
)
async def test_failed_requests_give_back(path: str, content: bytes) -> None:
    """At every door."""
    context = build()
    async with open_client(build_gateway_app(context)) as client:
        answer = await client.post(path, content=content, headers=OCTETS)

    assert 400 <= answer.status_code < 500
    assert 0 == context.budget.used


async def test_caller_who_leaves_gives_back() -> None:
    """In the middle of the body."""
    context = build()
    caller = Caller(body_message(b"x" * 1000, more=True), DISCONNECT)
    scope = build_scope("/score", (b"content-type", b"application/octet-stream"), (b"transfer-encoding", b"chunked"))
    await build_gateway_app(context)(scope, caller.receive, caller.send)

    assert 0 == context.budget.used


async def test_only_what_came_is_held() -> None:
    """A slow caller who has announced much keeps nobody out."""
    context = build()
    app = build_gateway_app(context)
    caller = Caller(body_message(b"x" * 784, more=True))
    scope = build_scope("/score", (b"content-type", b"application/octet-stream"), (b"content-length", b"9408"))
    slow = asyncio.create_task(_answer(app, scope, caller))
    await caller.asked.wait()
    async with open_client(app) as client:
        meanwhile = await post(client, 10)
    caller.incoming.put_nowait(body_message(b"x" * (9408 - 784)))
    await slow

    assert 200 == meanwhile.status_code
    assert 200 == caller.status
    assert 0 == context.budget.used


async def test_announced_body_that_does_not_fit_is_refused_unread() -> None:
    """It would be read in vain: not one byte of it is asked for before the answer."""
    context = build()
    caller = Caller(body_message(bytes(2000)))
    with context.budget.hold(9000):
        await _answer(build_gateway_app(context), _build_scope("", b"2000"), caller)

    assert (429, 1) == (caller.status, caller.incoming.qsize())


async def test_chunks_that_do_not_fit_are_refused() -> None:
    """Where no length is announced, the moment they come."""
    context = build()
    caller = Caller(body_message(b"x" * 6000, more=True), body_message(b"x" * 3000, more=True), body_message(b""))
    scope = build_scope("/score", (b"content-type", b"application/octet-stream"), (b"transfer-encoding", b"chunked"))
    with context.budget.hold(2000):
        await build_gateway_app(context)(scope, caller.receive, caller.send)

    assert 429 == caller.status
    assert 0 == context.budget.used


async def test_one_caller_leaves_room_for_others() -> None:
    """However slowly its bodies come, and however many: a ninth of what others leave is kept free."""
    context = build()
    app = build_gateway_app(context)
    slow = [await _begin(app, bytes(800), "10.0.0.1") for _ in range(12)]
    mine = context.budget.used
    statuses = []
    for address in ("10.0.0.1", "10.0.0.2"):
        caller = Caller(body_message(count_images(1).tobytes()))
        await _answer(app, _build_scope(address, b"784"), caller)
        statuses.append(caller.status)
    for task in slow:
        task.cancel()
    await asyncio.wait(slow)

    assert 8800 == mine
    assert [429, 200] == statuses
    assert 0 == context.budget.used


async def test_bytes_are_held_until_the_bulk_thread_has_done_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is up, but the thread reads them to the end; what waits for it holds them no longer than its caller."""
    began, released = threading.Event(), threading.Event()

    def parse(body: bytes, _: ReadContext) -> UndecodedRows:
        began.set()
        released.wait(10)
        return UndecodedRows(lambda: count_images(len(body) // 784))

    monkeypatch.setitem(cast("dict[str, Any]", IMAGE_PARSERS), RAW, parse)
    context, images = build_context(FakeBackend()), count_images(100).tobytes()
    app = build_gateway_app(context)
    reading, waiting = [
        asyncio.create_task(_answer(app, _build_scope("", b"78400", timeout), Caller(body_message(images))))
        for timeout in (b"0.05", b"0.01")
    ]
    await waiting
    await asyncio.to_thread(began.wait, 10)
    reading.cancel()
    await asyncio.sleep(0.1)
    held, is_done = context.budget.used, reading.done()
    released.set()
    await asyncio.wait({reading})

    assert (78400, False) == (held, is_done)
    assert 0 == context.budget.used


async def _begin(app: Any, body: bytes, address: str) -> asyncio.Task[None]:
    """A request whose body goes on after this piece; one that is refused at once is still being seen off."""
    caller = Caller(body_message(body, more=True))
    task = asyncio.create_task(_answer(app, _build_scope(address, None), caller))
    await caller.asked.wait()
    return task


def _build_scope(address: str, length: bytes | None, timeout: bytes = b"60") -> dict[str, Any]:
    size = (b"transfer-encoding", b"chunked") if length is None else (b"content-length", length)
    headers = ((b"content-type", b"application/octet-stream"), (b"x-request-timeout", timeout), size)
    return {**build_scope("/score", *headers), "client": (address, 1)}


async def _answer(app: Any, scope: Any, caller: Caller) -> None:
    await app(scope, caller.receive, caller.send)
