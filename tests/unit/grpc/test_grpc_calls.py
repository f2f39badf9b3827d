"""Deadlines, callers who leave, and the limit of calls."""

import asyncio
from typing import Any

import grpc
import pytest
from support.fakes import HeldBackend, count_images
from support.grpc_door import open_channel
from support.http_door import LineLog, build_codec, build_context

from service.api.grpc import CallTracker, add_codec_service
from service.settings import GrpcSettings, LimitSettings
from service.wire import codec_pb2 as pb
from service.wire.codec_pb2_grpc import CodecStub

REQUEST = pb.EncodeRequest(images=pb.Images(packed=count_images(1).tobytes()))


async def test_deadline_of_the_caller_holds(stub: Any, backend: HeldBackend, tracker: CallTracker) -> None:
    """A model that hangs costs a caller no more time than it gave, and the call leaves nothing behind."""
    backend.gate.clear()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Encode(REQUEST, timeout=0.1)
    async with asyncio.timeout(10):
        await tracker.wait_until_idle()

    assert grpc.StatusCode.DEADLINE_EXCEEDED == caught.value.code()


async def test_call_without_deadline_has_the_default_one(backend: HeldBackend) -> None:
    """The same reason as over HTTP."""
    backend.gate.clear()
    context = build_context(backend, limits=LimitSettings(default_timeout_s=0.05))
    async with open_channel(lambda server: add_codec_service(server, context, CallTracker(), stream_rows=4)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await CodecStub(channel).Encode(REQUEST)

    assert grpc.StatusCode.DEADLINE_EXCEEDED == caught.value.code()


async def test_cancelled_call_leaves_the_queue(backend: HeldBackend, log: LineLog) -> None:
    """Its rows never reach the backend, and the log says that the caller left."""
    codec = build_codec(backend)
    context = build_context(backend, codec=codec, log=log)
    async with open_channel(lambda server: add_codec_service(server, context, CallTracker(), stream_rows=4)) as channel:
        stub: Any = CodecStub(channel)
        async with backend.held():
            first = asyncio.ensure_future(stub.Encode(REQUEST))
            await backend.wait_for_batches(1)
            leaving = stub.Encode(REQUEST)
            waiting = asyncio.ensure_future(_outcome(leaving))
            await _wait_for_waiting_rows(context, 1)
            leaving.cancel()
            await _wait_for_waiting_rows(context, 0)
        await first
        await waiting
        async with asyncio.timeout(10):
            while len(log.lines) < 2:
                log.written.clear()
                await log.written.wait()

    assert [1] == backend.batch_sizes
    assert {("OK", None), ("CANCELLED", "client_disconnected")} == {
        (fields["status"], fields["reason"]) for _, _, fields in log.lines
    }


async def _outcome(call: Any) -> None:
    with pytest.raises(asyncio.CancelledError):
        await call


async def _wait_for_waiting_rows(context: Any, rows: int) -> None:
    """The queue knows no event for tests; its length changes as calls come and go."""
    small = context.codec._lanes._small  # noqa: SLF001 - nothing outside shows the queue
    async with asyncio.timeout(10):
        while small.waiting_rows != rows:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_more_calls_than_the_limit_are_refused_at_once(backend: HeldBackend) -> None:
    """The caller is told to back off; those that run are not harmed."""
    context = build_context(backend)
    settings = GrpcSettings(max_concurrent_calls=1)
    async with open_channel(
        lambda server: add_codec_service(server, context, CallTracker(), stream_rows=4), settings
    ) as channel:
        stub: Any = CodecStub(channel)
        async with backend.held():
            first = asyncio.ensure_future(stub.Encode(REQUEST))
            await backend.wait_for_batches(1)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.Encode(REQUEST, timeout=10)
        answer = await first

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
    assert 2 == answer.model.version
