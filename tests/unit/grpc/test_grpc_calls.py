"""Deadlines, callers who leave, and the limit of calls."""

import asyncio
import threading
from typing import Any
from unittest.mock import Mock

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.fakes import HeldBackend, count_images
from support.grpc_door import open_channel, read_reason
from support.http_door import LineLog, build_codec, build_context

from service.api.grpc import CallTracker, HealthKeeper, add_codec_service
from service.api.grpc.frame import find_address
from service.settings import LimitSettings
from service.wire import codec_pb2 as pb
from service.wire.codec_pb2_grpc import CodecStub

REQUEST = pb.EncodeRequest(images=pb.Images(packed=count_images(1).tobytes()))


async def test_deadline_of_the_caller_holds(
    stub: Any, backend: HeldBackend, tracker: CallTracker, log: LineLog
) -> None:
    """A model that hangs costs a caller no more time than it gave, and the call leaves nothing behind but its line."""
    backend.gate.clear()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Encode(REQUEST, timeout=0.1)
    async with asyncio.timeout(10):
        await tracker.wait_until_quiet()

    assert grpc.StatusCode.DEADLINE_EXCEEDED == caught.value.code()
    assert [("DEADLINE_EXCEEDED", "deadline_exceeded")] == [
        (fields["status"], fields["reason"]) for _, _, fields in log.lines
    ]


async def test_call_without_deadline_has_the_default_one(backend: HeldBackend) -> None:
    """The same reason as over HTTP."""
    backend.gate.clear()
    context = build_context(backend, limits=LimitSettings(default_timeout_s=0.05))
    async with open_channel(lambda server: add_codec_service(server, context, CallTracker(), stream_rows=4)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await CodecStub(channel).Encode(REQUEST)

    assert grpc.StatusCode.DEADLINE_EXCEEDED == caught.value.code()


async def test_deadline_holds_while_the_bulk_thread_is_busy(backend: HeldBackend) -> None:
    """Rows that wait to be parsed are no reason to wait longer than the caller was promised."""
    released = threading.Event()
    context = build_context(backend, limits=LimitSettings(default_timeout_s=0.1))
    blocking = context.bulk.submit(released.wait, 60)
    large = pb.EncodeRequest(images=pb.Images(packed=bytes(784 * 200)))
    async with open_channel(lambda server: add_codec_service(server, context, CallTracker(), stream_rows=4)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await CodecStub(channel).Encode(large)
    assert not blocking.done()
    released.set()

    assert (grpc.StatusCode.DEADLINE_EXCEEDED, "deadline_exceeded") == (caught.value.code(), read_reason(caught.value))


async def test_draining_service_refuses_new_calls(stub: Any, tracker: CallTracker, log: LineLog) -> None:
    """They are told to go elsewhere, in the words of the error table."""
    tracker.draining.set()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Encode(REQUEST)

    assert (grpc.StatusCode.UNAVAILABLE, "not_ready") == (caught.value.code(), read_reason(caught.value))
    assert ["not_ready"] == [fields["reason"] for _, _, fields in log.lines]


@pytest.mark.parametrize("size", [2, 2**19], ids=["small", "large"])
async def test_bytes_that_are_no_message_are_told(channel: grpc.aio.Channel, log: LineLog, size: int) -> None:
    """A refusal like every other, and one plain log line: strangers must not fill the log with tracebacks."""
    call: Any = channel.unary_unary("/digitcodec.v1.Codec/Encode")
    with pytest.raises(
        grpc.aio.AioRpcError, match=f"{size} bytes came that are no digitcodec.v1.EncodeRequest"
    ) as caught:
        await call(b"\xff" * size)

    assert (grpc.StatusCode.INVALID_ARGUMENT, "malformed_request") == (caught.value.code(), read_reason(caught.value))
    assert [("info", "malformed_request")] == [(level, fields["reason"]) for level, _, fields in log.lines]


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


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.1.2.3:55", "10.1.2.3"),
        ("ipv6:%5B::1%5D:44", "::1"),
        ("ipv6:[fe80::1%25eth0]:44", "fe80::1%eth0"),
        ("unix:", ""),
        ("unix:/run/x:y", ""),
    ],
)
def test_address_is_written_as_over_http(peer: str, address: str) -> None:
    """One caller has one share, whichever door it takes."""
    assert address == find_address(Mock(peer=lambda: peer))


async def test_more_calls_than_the_limit_are_refused_at_once(backend: HeldBackend, log: LineLog) -> None:
    """The caller is told to back off; those that run are not harmed, and the process still counts as alive."""
    context = build_context(backend, log=log)
    keeper = HealthKeeper(["digitcodec.v1.Codec"], backend.is_ready)

    def add(server: grpc.aio.Server) -> None:
        add_codec_service(server, context, CallTracker(max_calls=1), stream_rows=4)
        keeper.add_to(server)

    async with open_channel(add) as channel:
        keeper.start()
        stub: Any = CodecStub(channel)
        async with backend.held():
            first = asyncio.ensure_future(stub.Encode(REQUEST))
            await backend.wait_for_batches(1)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.Encode(REQUEST, timeout=10)
            health: Any = health_pb2_grpc.HealthStub(channel)
            alive = await health.Check(health_pb2.HealthCheckRequest())
        answer = await first
        keeper.drain()

    assert (grpc.StatusCode.RESOURCE_EXHAUSTED, "overloaded") == (caught.value.code(), read_reason(caught.value))
    assert "RESOURCE_EXHAUSTED" == log.lines[0][2]["status"]
    assert (2, health_pb2.HealthCheckResponse.SERVING) == (answer.model.version, alive.status)
