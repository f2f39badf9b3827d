"""ReconstructStream: many requests over one call, answered in their order and bounded in what is read ahead."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from service.api.context import DoorContext
from service.api.exchange import Door, Exchange
from service.api.grpc.alarm import Alarm, work_until
from service.api.grpc.calls import CallTracker, RpcContext
from service.api.grpc.frame import (
    REQUEST_ID_KEY,
    abort,
    find_address,
    note_end,
    note_failure,
    read_metadata,
    take_cut_off,
)
from service.api.grpc.incoming import parse_message
from service.api.grpc.operations import Operations
from service.api.grpc.status import render_any_status
from service.domain import IMAGE_BYTES, Deadline, Origin, Timings
from service.errors import DeadlineExceededError, MalformedRequestError, NotReadyError
from service.wire import codec_pb2 as pb

OPERATION = "reconstruct_stream"

_MAX_ID_BYTES = 128

# So much later than a stream's own deadline is that of its requests.
_BEHIND_S = 0.1


class StreamAnswerer:
    """Answers streams."""

    def __init__(
        self,
        operations: Operations,
        context: DoorContext,
        tracker: CallTracker,
        door: Door,
        *,
        max_rows: int,
        idle_s: float,
    ) -> None:
        """Prepare for streams.

        Args:
            operations: Runs the requests.
            context: The log and the limits.
            tracker: Is told of every stream, and tells when the service drains.
            door: What the log calls the door.
            max_rows: Rows that may be in work ahead of the answers that the caller has taken.
            idle_s: Seconds after which a stream ends that has nothing in work and brings nothing.
        """
        self._operations = operations
        self._context = context
        self._tracker = tracker
        self._door = door
        self._max_rows = max_rows
        self._idle_s = idle_s

    async def answer(self, requests: AsyncIterator[bytes], rpc: RpcContext) -> None:
        """Answer every request of one stream; if the service drains, those that were read before."""
        metadata = read_metadata(rpc)
        origin = self._context.find_origin(metadata, find_address(rpc))
        caller = _Caller(rpc, metadata, origin, rpc.time_remaining())
        rpc.set_trailing_metadata(((REQUEST_ID_KEY, origin.request_id),))
        stream = _Stream(self._operations, self._context, self._door, caller, self._max_rows, self._idle_s)
        try:
            self._tracker.count(rpc, self._context.find_caller(metadata, origin))
            await stream.answer_all(requests, self._tracker.draining)
        except asyncio.CancelledError:
            if not self._tracker.is_cut_off:
                raise
            await self._fail(take_cut_off(), rpc, origin)
        except Exception as error:  # noqa: BLE001 - the door is the last to see it
            await self._fail(error, rpc, origin)

    async def _fail(self, error: Exception, rpc: RpcContext, origin: Origin) -> None:
        exchange = self._context.begin(self._door, OPERATION, origin)
        status = note_failure(error, render_any_status, exchange)
        exchange.write()
        await abort(rpc, status, origin)


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who opened a stream.

    Attributes:
        rpc: Where the answers go.
        metadata: What came with it, the key among it; looked at anew for each request, since keys may be taken away.
        origin: Where every request of it comes from.
        asked_s: Seconds that the whole stream had when it came; None for no end.
    """

    rpc: RpcContext
    metadata: Mapping[bytes, bytes]
    origin: Origin
    asked_s: float | None


class _Stream:
    """One stream: its requests in work, and room for more."""

    def __init__(
        self,
        operations: Operations,
        context: DoorContext,
        door: Door,
        caller: _Caller,
        max_rows: int,
        idle_s: float,
    ) -> None:
        self._operations = operations
        self._context = context
        self._door = door
        self._caller = caller
        self._window = RowWindow(max_rows)
        self._idle_s = idle_s
        # In the order of the requests; None marks the end. Bounded by the window.
        self._answers: asyncio.Queue[_Begun | None] = asyncio.Queue()

    async def answer_all(self, requests: AsyncIterator[bytes], draining: asyncio.Event) -> None:
        """Write every answer, in the order of the requests.

        Raises:
            NotReadyError: If the service drains; what was read before is answered first.
            DeadlineExceededError: If nothing is in work, and nothing comes for too long.
        """
        reading = asyncio.create_task(self._read_all(requests))
        ending = asyncio.create_task(_cancel_when(draining, reading))
        try:
            while (begun := await self._next()) is not None:
                # Room is made by the caller taking an answer, not by our having one: one who never reads is held back.
                await self._caller.rpc.write(await begun.answering)
                self._window.leave(begun.rows)
            await _finish(reading)
        finally:
            ending.cancel()
            reading.cancel()
            self._drop_answers()

    async def _next(self) -> "_Begun | None":
        """The oldest request in work; None at the end."""
        try:
            async with asyncio.timeout(self._idle_s):
                return await self._answers.get()
        except TimeoutError as error:
            raise DeadlineExceededError(f"no request came for {self._idle_s:g} s") from error

    async def _read_all(self, requests: AsyncIterator[bytes]) -> None:
        """Begin with every request as soon as there is room for it."""
        try:
            async for data in requests:
                rows = max(1, len(data) // IMAGE_BYTES)
                await self._window.enter(rows)
                self._answers.put_nowait(_Begun(rows, partial(self._answer, data)))
        finally:
            self._answers.put_nowait(None)

    async def _answer(self, data: bytes, begun: "_Begun") -> pb.ReconstructStreamResponse:
        response = pb.ReconstructStreamResponse()
        origin = replace(self._caller.origin, timings=Timings())
        exchange = self._context.begin(self._door, OPERATION, origin)
        try:
            self._context.let_in(self._caller.metadata, exchange)
            deadline = self._find_deadline()
            reconstruct = partial(self._reconstruct, data, begun, response, deadline, exchange)
            with self._context.budget.hold(len(data), exchange.origin.caller):
                answer = await work_until(deadline, reconstruct)
        except asyncio.CancelledError:
            note_end(self._caller.rpc, self._caller.asked_s, exchange, render_any_status)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the stream goes on
            response.failure.CopyFrom(_render_failure(error, exchange))
        else:
            response.response.CopyFrom(answer)
            exchange.finish("OK")
        finally:
            exchange.write()
        return response

    def _find_deadline(self) -> Deadline:
        """That of one request. When the whole stream's time is up gRPC ends it: no single answer goes before that."""
        left_s = self._caller.rpc.time_remaining()
        return self._context.find_deadline(None if left_s is None else left_s + _BEHIND_S)

    async def _reconstruct(
        self,
        data: bytes,
        begun: "_Begun",
        response: pb.ReconstructStreamResponse,
        deadline: Deadline,
        exchange: Exchange,
        _: Alarm,
    ) -> pb.ReconstructResponse:
        """Parse and reconstruct; a full queue holds the stream back instead of refusing it."""
        request = await parse_message(pb.ReconstructStreamRequest, data, self._context.bulk)
        response.id = _cut_id(request.id)
        _check_id(request.id)
        # Small files may be many in few bytes.
        begun.rows += self._window.grow(len(request.request.images.files.files) - begun.rows)
        return await self._operations.reconstruct(request.request, deadline, exchange, is_patient=True)

    def _drop_answers(self) -> None:
        while not self._answers.empty():
            if (begun := self._answers.get_nowait()) is not None:
                begun.answering.cancel()


class _Begun:
    """One request in work.

    Attributes:
        rows: What it takes of the window.
        answering: Makes its answer.
    """

    def __init__(
        self, rows: int, answer: Callable[["_Begun"], Coroutine[Any, Any, pb.ReconstructStreamResponse]]
    ) -> None:
        self.rows = rows
        self.answering = asyncio.create_task(answer(self))


class RowWindow:
    """How many rows of a stream may be in work or unread at the same time; a request larger than that goes alone."""

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

    def grow(self, rows: int) -> int:
        """Take more room without waiting, for a request that turns out to be larger; returns what was taken."""
        taken = max(0, rows)
        self._rows += taken
        return taken

    def leave(self, rows: int) -> None:
        """Give room back."""
        self._rows -= rows
        self._freed.set()


async def _cancel_when(event: asyncio.Event, task: asyncio.Task[None]) -> None:
    await event.wait()
    task.cancel()


async def _finish(reading: asyncio.Task[None]) -> None:
    """Raise what ended the reading, if it was not the caller's end."""
    await asyncio.wait({reading})
    if reading.cancelled():
        raise NotReadyError("the service is shutting down")
    reading.result()


def _cut_id(request_id: str) -> str:
    """As much of an id as goes back even if it is refused."""
    return request_id.encode()[:_MAX_ID_BYTES].decode("utf-8", "ignore")


def _check_id(request_id: str) -> None:
    size = len(request_id.encode())
    if size > _MAX_ID_BYTES:
        raise MalformedRequestError(f"an id of {size} bytes came, the limit is {_MAX_ID_BYTES}")


def _render_failure(error: Exception, exchange: Exchange) -> pb.Failure:
    status = note_failure(error, render_any_status, exchange)
    return pb.Failure(code=status.code.value[0], reason=exchange.reason or "", detail=status.detail)
