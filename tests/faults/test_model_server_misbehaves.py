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

IMAGES = count_images(4)
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
        limits = BatchLimits(8, 4, 64)
        lanes = Lanes(Batcher(backend, limits), Batcher(backend, limits), max_small_rows=8)
        codec = Codec(backend, lanes, model_name="digits", max_rows=64)
        await until(backend.is_ready)
        async with open_client(build_gateway_app(build_context(codec=codec))) as opened:
            yield opened
        await lanes.close(grace_s=0)


def encode(client: httpx.AsyncClient, number: int, timeout_s: float = 30.0) -> asyncio.Task[httpx.Response]:
    """Encode one image."""
    headers = {**RAW, "X-Request-Timeout": str(timeout_s)}
    return asyncio.create_task(client.post("/encode", content=IMAGES[number].tobytes(), headers=headers))


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
