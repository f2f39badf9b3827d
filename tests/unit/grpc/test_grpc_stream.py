"""ReconstructStream: order, failures of single requests, what is read ahead, and how streams end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from support.fakes import HeldBackend, count_images, fake_reconstructions
from support.grpc_door import read_reason
from support.http_door import LineLog

from service.api.grpc import CallTracker
from service.images import render_png
from service.wire import codec_pb2 as pb

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
    """Of ten rows no more than four are in work; the others wait with the caller."""
    async with backend.held():
        call = stub.ReconstructStream(send(*map(request, range(10))))
        answers = asyncio.ensure_future(_collect(call))
        await backend.wait_for_batches(1)
        await _settle()
        in_work = sum(backend.batch_sizes)
        assert in_work <= 4
    found = await answers

    assert 10 == len(found)
    assert max(backend.batch_sizes) <= 4


async def test_request_larger_than_the_window_goes_alone(stub: Any, backend: HeldBackend) -> None:
    """Nothing waits for ever."""
    answers = [answer async for answer in stub.ReconstructStream(send(request(0), request(1, rows=9), request(10)))]

    assert [1, 9, 1] == [len(answer.response.reconstructions) // 784 for answer in answers]


async def test_cancelled_stream_leaves_nothing_behind(stub: Any, backend: HeldBackend, tracker: CallTracker) -> None:
    """Its requests leave the queue."""
    backend.gate.clear()
    call = stub.ReconstructStream(send(*map(request, range(10))))
    await backend.wait_for_batches(1)
    call.cancel()
    async with asyncio.timeout(10):
        await tracker.wait_until_idle()
    backend.gate.set()

    assert sum(backend.batch_sizes) <= 4


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


async def _collect(call: Any) -> list[Any]:
    return [answer async for answer in call]


async def _settle() -> None:
    """Let everything that can arrive without an answer arrive: loopback is quick, and nothing else moves."""
    for _ in range(20):
        await asyncio.sleep(0.001)
