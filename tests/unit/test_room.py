"""A full queue refuses at every door before a request is read: to read it would cost most of what answering does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest
from support.fakes import HeldBackend, count_images
from support.http_door import Caller, CountingExecutor, body_message, build_context, build_scope, open_client

from service.backends.contract import ENCODE
from service.batching import Batcher, BatchLimits, Lanes
from service.codec import Codec
from service.domain import Call, Deadline, Origin
from service.doors import build_gateway_app, build_gateway_rpc
from service.errors import OverloadedError
from service.settings import GrpcSettings

SMALL_ROWS, BULK_ROWS = 8, 32
# What so many small files take, and more.
SMALL, LARGE = SMALL_ROWS * 256, SMALL_ROWS * 256 + 1
# TensorFlow Serving has words of its own for a full queue.
PATHS = {"/score": 429, "/v2/models/digits-encode/infer": 429, "/v1/models/digits:predict": 503}
METHODS = {
    "/digitcodec.v1.Codec/Score": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "/inference.GRPCInferenceService/ModelInfer": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "/tensorflow.serving.PredictionService/Predict": grpc.StatusCode.UNAVAILABLE,
}


class Service:
    """Every door before two lanes of one batch each.

    Attributes:
        backend: Answers once its gate is open.
        bulk: Counts what is parsed aside.
        lanes: What is filled.
        context: What the doors are built over.
    """

    def __init__(self) -> None:
        self.backend, self.bulk = HeldBackend(), CountingExecutor()
        self.lanes = Lanes(
            Batcher(self.backend, BatchLimits(SMALL_ROWS, 1, SMALL_ROWS)),
            Batcher(self.backend, BatchLimits(BULK_ROWS, 1, 2 * BULK_ROWS)),
            SMALL_ROWS,
        )
        codec = Codec(self.backend, self.lanes, model_name="digits", max_rows=4096)
        context = build_context(codec=codec, bulk=self.bulk)
        self.context = replace(context, check_room=self.lanes.check_room)

    @asynccontextmanager
    async def full(self, *, has_bulk: bool = False) -> AsyncIterator[None]:
        """No place in the small lane, or in both, for as long as the block lasts."""
        sizes = [SMALL_ROWS, SMALL_ROWS] + [BULK_ROWS, 2 * BULK_ROWS] * has_bulk
        tasks: list[asyncio.Task[object]] = []
        for begun, size in enumerate(sizes):
            tasks.append(asyncio.create_task(self._fill(size)))
            await self.backend.wait_for_batches(begun // 2 + 1)
            await asyncio.sleep(0)
        try:
            yield
        finally:
            self.backend.gate.set()
            await asyncio.gather(*tasks)

    async def _fill(self, rows: int) -> object:
        return await self.lanes.submit(Call("encode", ENCODE), count_images(rows), Deadline.after(60))

    async def post(self, path: str, size_bytes: int, *headers: tuple[bytes, bytes]) -> Caller:
        """Send bytes that are no request of any door; their length is announced unless headers say something else."""
        caller = Caller(body_message(b"\xff" * size_bytes))
        content_type = b"application/octet-stream" if path == "/score" else b"application/json"
        headers = headers or ((b"content-length", b"%d" % size_bytes),)
        scope = build_scope(path, (b"content-type", content_type), *headers)
        await build_gateway_app(self.context)(scope, caller.receive, caller.send)
        return caller

    @asynccontextmanager
    async def open_channel(self) -> AsyncIterator[grpc.aio.Channel]:
        """A channel to all gRPC doors."""
        server = build_gateway_rpc(self.context, GrpcSettings(), grace_s=0, arrival_s=0)
        address = server.bind("127.0.0.1", 0, settings="")
        serving = asyncio.create_task(server.serve())
        async with grpc.aio.insecure_channel(address) as channel:
            yield channel
        server.stop()
        await serving


@pytest.fixture
async def service() -> Service:
    """A service with nothing to do."""
    return Service()


async def call(channel: grpc.aio.Channel, method: str, message: bytes) -> grpc.StatusCode:
    """The status of a call."""
    try:
        ask: Any = channel.unary_unary(method)
        await ask(message, timeout=10)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize("path", PATHS)
async def test_small_requests_are_refused_unread_over_http(service: Service, path: str) -> None:
    """Nothing of them is asked for, and nothing is parsed."""
    async with service.full():
        caller = await service.post(path, SMALL)

    assert PATHS[path] == caller.status
    assert int(caller.headers[b"retry-after"]) >= 1
    assert (1, False, 0) == (caller.incoming.qsize(), caller.asked.is_set(), service.bulk.submitted)


@pytest.mark.parametrize("path", PATHS)
async def test_large_requests_are_read_while_there_is_room_for_them_over_http(service: Service, path: str) -> None:
    """How many rows they have is not known before; these turn out to be no requests."""
    async with service.full():
        caller = await service.post(path, LARGE)

    assert caller.status in {400, 422}
    assert 0 == caller.incoming.qsize()


@pytest.mark.parametrize("path", PATHS)
async def test_requests_of_unknown_length_may_be_large(service: Service, path: str) -> None:
    """Chunks say nothing of how many will come, so they are not refused for being few."""
    async with service.full():
        read = await service.post(path, SMALL, (b"transfer-encoding", b"chunked"))
    service.backend.gate.clear()
    service.backend.batches.clear()
    async with service.full(has_bulk=True):
        refused = await service.post(path, SMALL, (b"transfer-encoding", b"chunked"))

    assert read.status in {400, 422}
    assert PATHS[path] == refused.status


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/score"])
async def test_length_of_compressed_requests_says_little(service: Service, path: str) -> None:
    """A few bytes may become many rows."""
    headers = (b"content-encoding", b"gzip"), (b"content-length", b"%d" % SMALL)
    async with service.full():
        caller = await service.post(path, SMALL, *headers)

    assert 400 == caller.status


@pytest.mark.parametrize("path", PATHS)
async def test_large_requests_are_refused_unread_when_both_lanes_are_full_over_http(
    service: Service, path: str
) -> None:
    """Whatever they are, there is no place for them."""
    async with service.full(has_bulk=True):
        caller = await service.post(path, LARGE)

    assert PATHS[path] == caller.status
    assert (1, False, 0) == (caller.incoming.qsize(), caller.asked.is_set(), service.bulk.submitted)


async def test_bulk_request_is_answered_beside_a_full_small_lane(service: Service) -> None:
    """It stands in no line with the small ones."""
    images = count_images(21)
    async with open_client(build_gateway_app(service.context)) as client, service.full():
        asking = asyncio.create_task(
            client.post("/score", content=images.tobytes(), headers={"content-type": "application/octet-stream"})
        )
        await service.backend.wait_for_batches(2)
        service.backend.gate.set()
        answer = await asking

    assert (429, "overloaded") != (answer.status_code, answer.json().get("reason"))
    assert 21 == len(answer.json()["errors"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/models", 200),
        ("GET", "/readyz", 200),
        ("OPTIONS", "/score", 204),
        ("GET", "/v2/health/ready", 200),
        ("GET", "/v2/models/digits-encode", 200),
        ("GET", "/v1/models/digits", 200),
        ("GET", "/v1/models/digits/metadata", 200),
    ],
)
async def test_questions_about_the_model_are_answered_over_http(
    service: Service, method: str, path: str, status: int
) -> None:
    """They wait in no queue."""
    async with service.full(has_bulk=True), open_client(build_gateway_app(service.context)) as client:
        answer = await client.request(method, path)

    assert status == answer.status_code


async def test_messages_are_refused_undecoded_over_grpc(service: Service) -> None:
    """By their size, as over HTTP; bytes that are no message show whether somebody has tried to decode them."""
    async with service.open_channel() as channel:
        async with service.full():
            small = {method: await call(channel, method, b"\xff" * SMALL) for method in METHODS}
            large = {method: await call(channel, method, b"\xff" * LARGE) for method in METHODS}
        service.backend.gate.clear()
        service.backend.batches.clear()
        async with service.full(has_bulk=True):
            both = {method: await call(channel, method, b"\xff" * LARGE) for method in METHODS}

    assert small == METHODS
    assert dict.fromkeys(METHODS, grpc.StatusCode.INVALID_ARGUMENT) == large
    assert both == METHODS


async def test_questions_about_the_model_are_answered_over_grpc(service: Service) -> None:
    """They wait in no queue."""
    methods = [
        "/inference.GRPCInferenceService/ServerReady",
        "/inference.GRPCInferenceService/ServerMetadata",
        "/inference.GRPCInferenceService/RepositoryIndex",
        "/grpc.health.v1.Health/Check",
    ]
    async with service.open_channel() as channel, service.full(has_bulk=True):
        codes = [await call(channel, method, b"") for method in methods]

    assert [grpc.StatusCode.OK] * 4 == codes


async def test_a_caller_whose_share_is_full_is_refused_and_no_other(service: Service) -> None:
    """The room of the small lane is judged for who asks."""
    lanes, backend = service.lanes, service.backend
    row = np.ascontiguousarray(count_images(1))

    async def ask(caller: str) -> object:
        return await lanes.submit(Call("encode", ENCODE), row, Deadline.after(60), Origin(caller=caller))

    running = asyncio.create_task(ask("other"))
    await backend.wait_for_batches(1)
    waiting = [asyncio.create_task(ask("bulky")) for _ in range(SMALL_ROWS)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError) as caught:
        lanes.check_room(SMALL, "bulky")
    for size_bytes, caller in ((LARGE, "bulky"), (LARGE, "other")):
        lanes.check_room(size_bytes, caller)
    lanes.check_room(None, "bulky")
    backend.gate.set()
    answers = await asyncio.gather(running, *waiting, return_exceptions=True)

    assert caught.value.retry_after_s is not None
    assert SMALL_ROWS + 1 == len(answers)
