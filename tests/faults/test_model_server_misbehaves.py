"""A model server that hangs or answers nonsense, as callers of the whole gateway see it; the others go on."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from support.fakes import count_images, fake_codes
from support.http_door import build_context, open_client
from support.serving_peer import ServingPeer, open_backend, running_peer, until

from service.batching import Batcher, BatchLimits, Lanes
from service.codec import Codec
from service.doors import build_gateway_app
from service.wire.tensors import render_tensor

PLACES = 4
IMAGES = count_images(16)
RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture
async def peer() -> AsyncIterator[ServingPeer]:
    """A model server that behaves at first."""
    async with running_peer() as running:
        yield running


@pytest.fixture
async def client(peer: ServingPeer) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway before it, with four calls under way at most, as the service has."""
    async with open_backend(peer.target) as backend:
        limits = BatchLimits(8, PLACES, 64)
        lanes = Lanes(Batcher(backend, limits), Batcher(backend, limits), max_small_rows=8)
        codec = Codec(backend, lanes, model_name="digits", max_rows=64)
        await until(backend.is_ready)
        async with open_client(build_gateway_app(build_context(codec=codec))) as opened:
            yield opened
        await lanes.close(grace_s=0)


def encode(
    client: httpx.AsyncClient, number: int, timeout_s: float = 30.0, *, count: int = 1
) -> asyncio.Task[httpx.Response]:
    """Encode one image, or `count` from there on."""
    headers = {**RAW, "X-Request-Timeout": str(timeout_s)}
    body = IMAGES[number : number + count].tobytes()
    return asyncio.create_task(client.post("/encode", content=body, headers=headers))


async def hang_everywhere(
    client: httpx.AsyncClient, peer: ServingPeer, timeout_s: float
) -> list[asyncio.Task[httpx.Response]]:
    """A call that hangs in every place of the small lane, at a server that answers again."""
    peer.gate.clear()
    hung = []
    for number in range(PLACES):
        hung.append(encode(client, number, timeout_s))
        await until(lambda: len(peer.heard) == len(hung))
    peer.gate = asyncio.Event()  # those calls go on waiting at the old one
    peer.gate.set()
    return hung


async def test_server_that_never_answers_is_504_at_the_deadline_and_others_go_on(
    client: httpx.AsyncClient, peer: ServingPeer
) -> None:
    """A call that hangs costs its callers their own time and nobody else's."""
    peer.gate.clear()
    peer.entered.clear()
    began_s = time.monotonic()
    hanging = encode(client, 0, timeout_s=0.3)
    await peer.entered.wait()
    peer.gate = asyncio.Event()  # the first call goes on waiting at the old one
    peer.gate.set()
    answer = await encode(client, 1)
    lost = await hanging
    took_s = time.monotonic() - began_s

    assert (200, 504, "deadline_exceeded") == (answer.status_code, lost.status_code, lost.json()["reason"])
    np.testing.assert_array_equal(fake_codes(IMAGES[1:2])[0], np.array(answer.json()["codes"][0], np.float32))
    assert 0.3 <= took_s < 2


async def test_hung_calls_in_every_place_are_504_and_others_go_on(client: httpx.AsyncClient, peer: ServingPeer) -> None:
    """Large requests are answered meanwhile, small ones as soon as the deadlines of those before them have passed."""
    began_s = time.monotonic()
    hung = await hang_everywhere(client, peer, timeout_s=1.0)
    waiting = encode(client, 5)
    meanwhile = await encode(client, 0, count=9)
    assert not any(task.done() for task in (*hung, waiting))
    lost = await asyncio.gather(*hung)
    answer, afterwards = await waiting, await encode(client, 6)
    took_s = time.monotonic() - began_s

    assert [(504, "deadline_exceeded")] * PLACES == [(each.status_code, each.json()["reason"]) for each in lost]
    assert [200, 200, 200] == [meanwhile.status_code, answer.status_code, afterwards.status_code]
    np.testing.assert_array_equal(fake_codes(IMAGES[5:6])[0], np.array(answer.json()["codes"][0], np.float32))
    assert 0.9 < took_s < 3


async def test_hung_calls_whose_callers_leave_hold_nobody_up(client: httpx.AsyncClient, peer: ServingPeer) -> None:
    """The places are free at once, long before the deadlines, and the server hears that nobody waits."""
    hung = await hang_everywhere(client, peer, timeout_s=30.0)
    waiting = encode(client, 5)
    for task in hung:
        task.cancel()
    answer = await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(peer.cancelled.wait(), 5)

    assert 200 == answer.status_code


async def test_hung_call_ends_with_the_last_of_its_callers(client: httpx.AsyncClient, peer: ServingPeer) -> None:
    """One with much time leaves, one with little runs out of it: together they hold their place no longer."""
    peer.gate.clear()
    hung = [encode(client, number, timeout_s) for number, timeout_s in enumerate((30.0, 0.5))]
    await until(lambda: len(peer.heard) > 0)
    hung[0].cancel()
    lost = await hung[1]
    await asyncio.wait_for(peer.cancelled.wait(), 5)

    assert 504 == lost.status_code
    assert peer.heard[0].remaining_s > 20


@pytest.mark.parametrize(
    "wrong",
    [np.full((1, 4), np.nan, np.float32), np.zeros((2, 4), np.float32), np.zeros((1, 4), np.float64)],
    ids=["NaN", "rows", "type"],
)
async def test_nonsense_is_a_broken_contract_and_the_next_request_is_served(
    client: httpx.AsyncClient, peer: ServingPeer, wrong: NDArray[Any]
) -> None:
    """502 with its reason; nothing of the answer reaches the caller."""
    kind, peer.spoil_reply = peer.spoil_reply, lambda reply: reply.outputs["codes"].CopyFrom(render_tensor(wrong))
    broken = await encode(client, 0)
    peer.spoil_reply = kind
    good = await encode(client, 0)

    assert (502, "backend_contract") == (broken.status_code, broken.json()["reason"])
    assert 200 == good.status_code
