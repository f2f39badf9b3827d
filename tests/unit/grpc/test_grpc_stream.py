"""ReconstructStream: order, failures of single requests, what is read ahead, and how streams end."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import pytest
from support.fakes import HeldBackend, count_images, fake_reconstructions
from support.grpc_door import open_channel, read_reason
from support.http_door import LineLog, build_codec, build_context

from service.api.grpc import CallTracker, add_codec_service
from service.images import render_png
from service.settings import LimitSettings
from service.wire import codec_pb2 as pb
from service.wire.codec_pb2_grpc import CodecStub

IMAGES = count_images(20)


def request(number: int, rows: int = 1) -> pb.ReconstructStreamRequest:
    """A request whose id is its number."""
    images = pb.Images(packed=IMAGES[number : number + rows].tobytes())
    return pb.ReconstructStreamRequest(id=str(number), request=pb.ReconstructRequest(images=images))


async def send(*requests: pb.ReconstructStreamRequest) -> AsyncIterator[pb.ReconstructStreamRequest]:
    """Requests, one after the other."""
    for each in requests:
        yield each


async def test_answers_come_in_the_order_of_the_requests(stub: Any, log: LineLog) -> None:
    """Each has the id and the picture of its own request, and a log line."""
    answers = [answer async for answer in stub.ReconstructStream(send(*map(request, range(20))))]

    assert [str(number) for number in range(20)] == [answer.id for answer in answers]
    assert fake_reconstructions(IMAGES).tobytes() == b"".join(answer.response.reconstructions for answer in answers)
    assert [("grpc", "reconstruct_stream", "OK")] * 20 == [
        (fields["door"], fields["operation"], fields["status"]) for _, _, fields in log.lines
    ]


async def test_bad_image_answers_with_its_own_status_and_the_stream_goes_on(stub: Any) -> None:
    """The requests before and behind it are answered."""
    bad = pb.ReconstructStreamRequest(
        id="bad", request=pb.ReconstructRequest(images=pb.Images(files=pb.EncodedFiles(files=[b"hello"])))
    )
    good = pb.ReconstructStreamRequest(
        id="good", request=pb.ReconstructRequest(images=pb.Images(files=pb.EncodedFiles(files=[render_png(IMAGES[0])])))
    )
    answers = [answer async for answer in stub.ReconstructStream(send(request(0), bad, good))]

    assert ["response", "failure", "response"] == [answer.WhichOneof("outcome") for answer in answers]
    assert (3, "invalid_image") == (answers[1].failure.code, answers[1].failure.reason)
    assert "text" in answers[1].failure.detail


async def test_long_id_is_refused_and_cut(stub: Any) -> None:
    """An id is a word, not a place to put data."""
    asked = pb.ReconstructStreamRequest(id="x" * 200, request=request(0).request)
    (answer,) = [answer async for answer in stub.ReconstructStream(send(asked))]

    assert ("malformed_request", "x" * 128) == (answer.failure.reason, answer.id)


async def test_stream_is_held_back_until_rows_are_answered(stub: Any, backend: HeldBackend) -> None:
    """Of ten rows four are in work; the others wait with the caller."""
    async with backend.held():
        call = stub.ReconstructStream(send(*map(request, range(10))))
        answers = asyncio.ensure_future(_collect(call))
        await _until_no_more_come(backend, at_least=1)
        assert 1 == sum(backend.batch_sizes)  # the held batch; three rows more wait in the queue
    found = await answers

    assert 10 == len(found)
    assert max(backend.batch_sizes) <= 4


async def test_caller_who_never_reads_is_held_back(stub: Any, backend: HeldBackend) -> None:
    """Unread answers take the room of new requests: the service's memory is not the caller's to fill."""
    large = pb.ReconstructStreamRequest(request=pb.ReconstructRequest(images=pb.Images(packed=bytes(784 * 64))))
    call = stub.ReconstructStream()
    written = await _write_until_held_back(call, large)
    call.cancel()

    # What flow control lets pass on loopback: a few hundred kB each way, 50 kB a request.
    assert written < 200
    assert len(backend.batches) < 200


async def test_full_queue_holds_a_stream_back(backend: HeldBackend) -> None:
    """Others may fill the queue; a stream waits for its turn instead of being refused."""
    codec = build_codec(backend, max_queue_rows=1)
    context = build_context(backend, codec=codec)
    async with open_channel(lambda server: add_codec_service(server, context, CallTracker(), stream_rows=8)) as channel:
        stub: Any = CodecStub(channel)
        answers = [answer async for answer in stub.ReconstructStream(send(*map(request, range(8))))]

    assert ["response"] * 8 == [answer.WhichOneof("outcome") for answer in answers]


async def test_deadline_of_a_request_holds_while_the_bulk_thread_is_busy(backend: HeldBackend) -> None:
    """A large message of a stream waits for its parsing no longer than a unary one."""
    released = threading.Event()
    context = build_context(backend, limits=LimitSettings(default_timeout_s=0.1))
    context.bulk.submit(released.wait, 60)
    large = pb.ReconstructStreamRequest(request=pb.ReconstructRequest(images=pb.Images(packed=bytes(784 * 500))))
    async with open_channel(
        lambda server: add_codec_service(server, context, CallTracker(), stream_rows=512)
    ) as channel:
        stub: Any = CodecStub(channel)
        (answer,) = [answer async for answer in stub.ReconstructStream(send(large))]
    released.set()

    assert "deadline_exceeded" == answer.failure.reason


async def test_many_small_files_take_as_much_room_as_they_have_rows(stub: Any, backend: HeldBackend) -> None:
    """The window counts images, not bytes: of requests with four small files only one is in work."""
    files = pb.EncodedFiles(files=[render_png(np.zeros((28, 28), np.uint8))] * 4)
    small = pb.ReconstructStreamRequest(request=pb.ReconstructRequest(images=pb.Images(files=files)))
    async with backend.held():
        answers = asyncio.ensure_future(_collect(stub.ReconstructStream(send(*[small] * 20))))
        await _until_no_more_come(backend, at_least=1)
    found = await answers

    assert 20 == len(found)
    assert max(backend.batch_sizes) <= 16


async def test_bytes_that_are_no_message_fail_alone(channel: grpc.aio.Channel) -> None:
    """The requests before and behind them are answered."""
    call: Any = channel.stream_stream(
        "/digitcodec.v1.Codec/ReconstructStream", response_deserializer=pb.ReconstructStreamResponse.FromString
    )

    async def send_bytes() -> AsyncIterator[bytes]:
        for data in (request(0).SerializeToString(), b"\xff\xff", request(1).SerializeToString()):
            yield data

    answers = [answer async for answer in call(send_bytes())]

    assert ["response", "failure", "response"] == [answer.WhichOneof("outcome") for answer in answers]
    assert "malformed_request" == answers[1].failure.reason


async def test_request_id_comes_back_at_the_end(stub: Any, log: LineLog) -> None:
    """The caller's, or a new one; the lines of all requests have it."""
    call = stub.ReconstructStream(send(request(0), request(1)), metadata=(("x-request-id", "mine"),))
    await _collect(call)

    assert ("x-request-id", "mine") in tuple(await call.trailing_metadata())
    assert ["mine"] * 2 == [fields["request_id"] for _, _, fields in log.lines]


async def test_request_larger_than_the_window_goes_alone(stub: Any, backend: HeldBackend) -> None:
    """Nothing waits for ever."""
    answers = [answer async for answer in stub.ReconstructStream(send(request(0), request(1, rows=9), request(10)))]

    assert [1, 9, 1] == [len(answer.response.reconstructions) // 784 for answer in answers]


async def test_cancelled_stream_leaves_nothing_behind(
    stub: Any, backend: HeldBackend, tracker: CallTracker, log: LineLog
) -> None:
    """Its requests leave the queue, and the log says why."""
    async with backend.held():
        call = stub.ReconstructStream(send(*map(request, range(10))))
        await _until_no_more_come(backend, at_least=1)
        call.cancel()
        async with asyncio.timeout(10):
            await tracker.wait_until_quiet()
            while len(log.lines) < 4:
                log.written.clear()
                await log.written.wait()

    assert [1] == backend.batch_sizes
    assert ["CANCELLED"] * 4 == [fields["status"] for _, _, fields in log.lines]


async def test_draining_service_answers_what_it_has_read_and_ends_the_stream(
    stub: Any, backend: HeldBackend, tracker: CallTracker
) -> None:
    """An open stream does not hold up a stop, and its caller learns to go elsewhere."""
    call = stub.ReconstructStream()
    await call.write(request(0))
    first = await call.read()
    async with backend.held():
        await call.write(request(1))
        await backend.wait_for_batches(2)
        tracker.draining.set()
    second = await call.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()

    assert ["0", "1"] == [first.id, second.id]
    assert (grpc.StatusCode.UNAVAILABLE, "not_ready") == (caught.value.code(), read_reason(caught.value))


async def test_stream_that_brings_nothing_ends(backend: HeldBackend) -> None:
    """It would hold its place for ever; what it brought before is answered, however long that took."""
    context = build_context(backend)

    def add(server: grpc.aio.Server) -> None:
        add_codec_service(server, context, CallTracker(), stream_rows=4, stream_idle_s=0.1)

    async with open_channel(add) as channel:
        stub: Any = CodecStub(channel)
        call = stub.ReconstructStream()
        async with backend.held():
            await call.write(request(0))
            await backend.wait_for_batches(1)
            await asyncio.sleep(0.3)  # longer than it may be idle, but it is not
        answer = await call.read()
        with pytest.raises(grpc.aio.AioRpcError, match=r"no request came for 0\.1 s") as caught:
            await call.read()

    assert "0" == answer.id
    assert (grpc.StatusCode.DEADLINE_EXCEEDED, "deadline_exceeded") == (caught.value.code(), read_reason(caught.value))


async def test_deadline_of_the_whole_stream_is_told_as_such(stub: Any, backend: HeldBackend, log: LineLog) -> None:
    """Nobody left: the time that the caller gave was up."""
    async with backend.held():
        call = stub.ReconstructStream(send(request(0)), timeout=0.2)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _collect(call)
        async with asyncio.timeout(10):
            while not log.lines:
                log.written.clear()
                await log.written.wait()

    assert grpc.StatusCode.DEADLINE_EXCEEDED == caught.value.code()
    assert ["deadline_exceeded"] == [fields["reason"] for _, _, fields in log.lines]


async def _collect(call: Any) -> list[Any]:
    return [answer async for answer in call]


async def _write_until_held_back(call: Any, message: pb.ReconstructStreamRequest) -> int:
    """Write the same message until that takes half a second; returns how often it was taken."""
    for written in range(2000):
        try:
            await asyncio.wait_for(call.write(message), 0.5)
        except TimeoutError:
            return written
    raise AssertionError("the caller was never held back")


async def _until_no_more_come(backend: HeldBackend, at_least: int) -> None:
    """Return once the backend has its batches, and what else can arrive on loopback has had time to."""
    await backend.wait_for_batches(at_least)
    for _ in range(50):
        await asyncio.sleep(0.002)
