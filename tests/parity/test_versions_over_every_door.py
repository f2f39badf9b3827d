"""Versions as callers see them on both backends: a new one takes over under load, the former stays within reach."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from support.fakes import count_images

from bench.running import RunningService, behind, running_service
from bench.words import serving
from bench.words.ask import Reply, RpcRequest
from service.wire import codec_pb2 as pb
from service.wire.codec_pb2_grpc import CodecStub

pytestmark = pytest.mark.tensorflow

_IMAGES = count_images(2)
_PACKED = pb.Images(packed=_IMAGES.tobytes())
_RAW = {"Content-Type": "application/octet-stream"}
_CALLERS = 3  # of each kind

Answer = tuple[int, Any]
"""The version that a caller was told, and its codes."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A model folder with version 1 of the toy in place and version 2 beside it, not yet published."""
    from support.toy_model import export_toy

    export_toy(tmp_path / "models" / "digits" / "1", scale=1.0)
    export_toy(tmp_path / "next", scale=2.0)
    return tmp_path


@pytest.fixture(params=["embedded", "tfserving"])
def gateway(request: pytest.FixtureRequest, root: Path) -> Iterator[RunningService]:
    """A gateway over the folder, with TensorFlow inside or before a model server that has it."""
    settings = {
        "DIGITCODEC_MODEL__ROOT": str(root / "models"),
        "DIGITCODEC_MODEL__POLL_INTERVAL_S": "0.05",
        "DIGITCODEC_MODEL__KEEP_VERSIONS": "2",
        "DIGITCODEC_MODEL__LABELS": json.dumps({"stable": 1, "canary": 2}),
    }
    with ExitStack() as stack:
        if request.param == "tfserving":
            server = stack.enter_context(running_service(settings, "model-server"))
            settings = {**behind(server.grpc), "DIGITCODEC_MODEL__POLL_INTERVAL_S": "0.05"}
        yield stack.enter_context(running_service(settings))


async def ask_http(client: httpx.AsyncClient, query: str = "") -> Answer:
    """Encode over HTTP."""
    answer = (await client.post(f"/encode{query}", content=_IMAGES.tobytes(), headers=_RAW)).raise_for_status().json()
    return answer["model"]["version"], answer["codes"]


async def ask_grpc(channel: grpc.aio.Channel, selector: pb.ModelSelector | None = None) -> Answer:
    """Encode over our own gRPC."""
    answer = await CodecStub(channel).Encode(pb.EncodeRequest(model=selector, images=_PACKED), timeout=30)
    return answer.model.version, np.frombuffer(answer.codes.packed, "<f4").reshape(2, -1)


async def ask_serving(channel: Any) -> Answer:
    """Encode over TensorFlow Serving's gRPC."""
    request = serving.RPC.write("encode", _IMAGES)
    assert isinstance(request, RpcRequest)
    message = await channel.unary_unary(request.path)(request.message, timeout=30)
    reading = serving.RPC.read("encode", Reply("OK", message))
    return reading.version, reading.outputs["codes"]


async def call_until_version(ask: Callable[[], Awaitable[Answer]], version: int, seen: set[int]) -> None:
    """Call until this version answers; every answer is held against what the version that it names computes."""
    from support.toy_model import toy_codes

    while True:
        answered, codes = await ask()
        np.testing.assert_allclose(codes, answered * toy_codes(_IMAGES), rtol=1e-6)
        seen.add(answered)
        if answered == version:
            return


async def test_new_version_takes_over_under_load(gateway: RunningService, root: Path) -> None:
    """No request fails, each answer says which version it is of; the former stays pinned, and labels choose."""
    seen: set[int] = set()
    async with (
        asyncio.timeout(120),
        httpx.AsyncClient(base_url=gateway.url, timeout=30) as client,
        grpc.aio.insecure_channel(gateway.grpc) as channel,
    ):
        asks: list[Callable[[], Awaitable[Answer]]] = [
            lambda: ask_http(client),
            lambda: ask_grpc(channel),
            lambda: ask_serving(channel),
        ]
        callers = [asyncio.create_task(call_until_version(ask, 2, seen)) for ask in asks for _ in range(_CALLERS)]
        await call_until_version(asks[0], 1, seen)
        os.rename(root / "next", root / "models" / "digits" / "2")  # noqa: PTH104 - as a publisher does it
        await asyncio.gather(*callers)

        assert {1, 2} == seen
        queries = ("", "?version=1", "?version=2", "?label=stable", "?label=canary")
        assert [2, 1, 2, 1, 2] == [(await ask_http(client, query))[0] for query in queries]
        assert 1 == (await ask_grpc(channel, pb.ModelSelector(version=1)))[0]
        assert 2 == (await ask_grpc(channel, pb.ModelSelector(label="canary")))[0]
