"""ReconstructStream: many requests over one call, answered in their order and bounded in what is read ahead."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from service.api.context import DoorContext
from service.api.exchange import Door, Exchange
from service.api.grpc.frame import CallTracker, RpcContext, find_rpc_origin, note_failure
from service.api.grpc.operations import Operations
from service.api.grpc.parsing import count_bytes
from service.api.grpc.status import render_status
from service.domain import IMAGE_BYTES, Origin
from service.errors import MalformedRequestError, NotReadyError, hide_unknown
from service.wire import codec_pb2 as pb

OPERATION = "reconstruct_stream"

_MAX_ID_BYTES = 128

_Answering = asyncio.Task[pb.ReconstructStreamResponse]


class RowWindow:
    """How many rows of a stream may be in work at the same time; a request larger than that goes alone."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._rows = 0
        self._freed = asyncio.Event()

    async def enter(self, rows: int) -> None:
        """Wait until there is room, and take it."""
        while self._rows and self._rows + rows > self._max_rows:
            self._freed.clear()
            await self._freed.wait()
        self._rows += rows

    def leave(self, rows: int, _: object = None) -> None:
        """Give room back; the callback of a task that is done."""
        self._rows -= rows
        self._freed.set()


class StreamAnswerer:
    """Answers the requests of one stream."""

    def __init__(
        self, operations: Operations, context: DoorContext, tracker: CallTracker, door: Door, *, max_rows: int
    ) -> None:
        """Prepare for streams.

        Args:
            operations: Runs the requests.
            context: The log and the limits.
            tracker: Tells when the service drains.
            door: What the log calls the door.
            max_rows: Rows that may be in work ahead of the answers.
        """
        self._operations = operations
        self._context = context
        self._tracker = tracker
        self._door = door
        self._max_rows = max_rows

    async def answer(
        self, requests: AsyncIterator[pb.ReconstructStreamRequest], rpc: RpcContext
    ) -> AsyncIterator[pb.ReconstructStreamResponse]:
        """Every answer, in the order of the requests.

        Raises:
            NotReadyError: If the service drains; what was read before is answered first.
        """
        answers: asyncio.Queue[_Answering | None] = asyncio.Queue()
        reading = asyncio.create_task(self._read_all(requests, answers, rpc))
        ending = asyncio.create_task(self._end_when_draining(reading))
        try:
            while (answering := await answers.get()) is not None:
                yield await answering
            await _finish(reading)
        finally:
            ending.cancel()
            reading.cancel()
            while not answers.empty():
                if (left := answers.get_nowait()) is not None:
                    left.cancel()

    async def _read_all(
        self,
        requests: AsyncIterator[pb.ReconstructStreamRequest],
        answers: asyncio.Queue[_Answering | None],
        rpc: RpcContext,
    ) -> None:
        """Start every request as soon as the window has room for it; None marks the end."""
        origin = find_rpc_origin(rpc, self._context)
        window = RowWindow(self._max_rows)
        try:
            async for request in requests:
                rows = _count_rows(request)
                await window.enter(rows)
                answering = asyncio.create_task(self._answer_one(request, origin, rpc))
                answering.add_done_callback(partial(window.leave, rows))
                answers.put_nowait(answering)
        finally:
            answers.put_nowait(None)

    async def _end_when_draining(self, reading: asyncio.Task[None]) -> None:
        await self._tracker.draining.wait()
        reading.cancel()

    async def _answer_one(
        self, request: pb.ReconstructStreamRequest, origin: Origin, rpc: RpcContext
    ) -> pb.ReconstructStreamResponse:
        exchange = Exchange(self._door, OPERATION, origin)
        try:
            _check_id(request.id)
            deadline = self._context.find_deadline(rpc.time_remaining())
            response = await self._operations.reconstruct(request.request, deadline, exchange)
        except asyncio.CancelledError:
            exchange.abandon()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the stream goes on
            return pb.ReconstructStreamResponse(id=request.id[:_MAX_ID_BYTES], failure=_render(error, exchange))
        else:
            exchange.finish("OK")
            return pb.ReconstructStreamResponse(id=request.id, response=response)
        finally:
            exchange.write(self._context.log)


async def _finish(reading: asyncio.Task[None]) -> None:
    """Raise what ended the reading, if it was not the caller's end."""
    await asyncio.wait({reading})
    if reading.cancelled():
        raise NotReadyError("the service is shutting down")
    reading.result()


def _check_id(request_id: str) -> None:
    if len(request_id.encode()) > _MAX_ID_BYTES:
        raise MalformedRequestError(f"an id of {len(request_id.encode())} bytes came, the limit is {_MAX_ID_BYTES}")


def _count_rows(request: pb.ReconstructStreamRequest) -> int:
    """Rows of a request before it is parsed; at least one, so that empty ones are bounded too."""
    images = request.request.images
    return max(1, len(images.files.files), count_bytes(images) // IMAGE_BYTES)


def _render(error: Exception, exchange: Exchange) -> pb.Failure:
    status = note_failure(error, lambda each: render_status(hide_unknown(each)), exchange)
    return pb.Failure(code=status.code.value[0], reason=hide_unknown(error).reason, detail=status.detail)
