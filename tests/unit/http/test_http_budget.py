"""All requests together hold no more bytes than they may, and give back what they held, however they end."""

import asyncio
from typing import Any

import httpx
import pytest
from support.fakes import FakeBackend, HeldBackend, count_images
from support.http_door import DISCONNECT, Caller, body_message, build_context, build_scope, open_client

from service.api.context import DoorContext
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


async def test_chunks_that_do_not_fit_are_refused() -> None:
    """Where no length is announced, the moment they come."""
    context = build()
    caller = Caller(body_message(b"x" * 6000, more=True), body_message(b"x" * 3000, more=True), body_message(b""))
    scope = build_scope("/score", (b"content-type", b"application/octet-stream"), (b"transfer-encoding", b"chunked"))
    with context.budget.hold(2000):
        await build_gateway_app(context)(scope, caller.receive, caller.send)

    assert 429 == caller.status
    assert 0 == context.budget.used


async def _answer(app: Any, scope: Any, caller: Caller) -> None:
    await app(scope, caller.receive, caller.send)
