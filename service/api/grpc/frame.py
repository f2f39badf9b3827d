"""The frame around every unary call, whichever protocol it speaks: one answer and one log line, come what may."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, NoReturn, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from service.api.context import DoorContext
from service.api.exchange import Door, Exchange
from service.api.grpc.status import DETAILS_KEY, RpcStatus, render_any_status
from service.domain import Deadline, Origin
from service.errors import DeadlineExceededError, MalformedRequestError, NotReadyError, OverloadedError, hide_unknown

REQUEST_ID_KEY = "x-request-id"
"""Metadata that brings a request id, and takes it back with the answer."""

RpcContext = grpc.aio.ServicerContext[Any, Any]
FailureRenderer = Callable[[Exception], RpcStatus]

# Packed rows are copied, not looked at; a megabyte of tiny fields takes some 20 ms.
_INLINE_MESSAGE_BYTES = 2**18

# A call is over for us when its answer is with the system, and closing the connection then may still cut it off.
ARRIVAL_S = 1.0

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)

Work = Callable[[_Request, Deadline, Exchange], Awaitable[Message]]
"""What a method does: makes a response, and notes rows and version; raises core errors."""


class TooManyCallsError(OverloadedError):
    """More calls are under way than the limit allows."""


class CallTracker:
    """The calls that are under way, and whether the service is draining.

    Attributes:
        draining: Set once no new work is wanted; long-lived calls end when they see it.
        is_cut_off: True once the grace is over.
    """

    def __init__(self, max_calls: int = 4096, arrival_s: float = ARRIVAL_S) -> None:
        """Begin with no call.

        Args:
            max_calls: Most calls that may be under way.
            arrival_s: Seconds that the last answer has to reach its caller.
        """
        self._max_calls = max_calls
        self._arrival_s = arrival_s
        self.draining = asyncio.Event()
        self.is_cut_off = False
        self._running: dict[RpcContext, asyncio.Task[Any] | None] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._left_at_s = -math.inf

    def count(self, rpc: RpcContext) -> None:
        """Count a call, which the current task answers, as under way until it has ended.

        Raises:
            NotReadyError: If the service drains.
            TooManyCallsError: If too many are under way. Health and reflection are not counted, so that a service
                that is merely busy is not taken for a dead one.
        """
        if self.draining.is_set():
            raise NotReadyError("the service is shutting down")
        if len(self._running) >= self._max_calls:
            raise TooManyCallsError(f"{len(self._running)} calls are under way, the limit is {self._max_calls}")
        self._running[rpc] = asyncio.current_task()
        self._idle.clear()
        rpc.add_done_callback(self._leave)  # type: ignore[arg-type]  # the stub asks for a class that nobody has

    async def wait_until_quiet(self) -> None:
        """Return once no call is under way, and the last answer has had time to reach a caller on a slow line."""
        await self._idle.wait()
        await asyncio.sleep(self._left_at_s + self._arrival_s - time.monotonic())

    def cut_off(self) -> None:
        """End the calls that outlast the grace, wherever their work is."""
        self.is_cut_off = True
        for task in self._running.values():
            if task is not None:
                task.cancel()

    def _leave(self, rpc: RpcContext) -> None:
        self._running.pop(rpc, None)
        self._left_at_s = time.monotonic()
        if not self._running:
            self._idle.set()


@dataclass(frozen=True, slots=True)
class _Method(Generic[_Request]):
    """One unary method; see `RpcFrame.build_handler`."""

    operation: str
    request_type: type[_Request]
    work: Work[_Request]


class RpcFrame:
    """Answers unary calls of one door."""

    def __init__(
        self,
        door: Door,
        context: DoorContext,
        tracker: CallTracker,
        render_failure: FailureRenderer = render_any_status,
        *,
        probes: frozenset[str] = frozenset(),
        open_operations: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare for a door.

        Args:
            door: What the log calls it.
            context: The log, the limits of deadlines and the source of ids.
            tracker: Is told of every call.
            render_failure: The status for an exception, in the words of the door's protocol.
            probes: Operations that machines ask for every second: a good answer to them is no news.
            open_operations: Those that nobody needs a key for.
        """
        self._door = door
        self._context = context
        self._tracker = tracker
        self._render_failure = render_failure
        self._probes = probes
        self._open_operations = open_operations

    def build_handler(self, operation: str, request_type: type[_Request], work: Work[_Request]) -> Any:
        """The handler of a unary method.

        It takes bytes: what is no message gets an answer and a log line like every other refusal, and large messages
        are parsed off the event loop.

        Args:
            operation: What the log calls the method.
            request_type: The message that it takes.
            work: Makes the response, and notes rows and version.
        """
        method = _Method(operation, request_type, work)
        return grpc.unary_unary_rpc_method_handler(partial(self._answer, method), response_serializer=serialize)

    async def _answer(self, method: "_Method[_Request]", data: bytes, rpc: RpcContext) -> Message:
        """Answer one call within its deadline; what goes wrong becomes its status."""
        metadata = read_metadata(rpc)
        origin = self._context.find_origin(metadata, find_address(rpc))
        exchange = self._context.begin(self._door, method.operation, origin)
        try:
            self._admit(method.operation, rpc, metadata, exchange)
            deadline = self._context.find_deadline(rpc.time_remaining())
            with self._context.budget.hold(len(data)):
                response = await work_until(deadline, partial(self._work, method, data, deadline, exchange))
        except asyncio.CancelledError:
            if not self._tracker.is_cut_off:
                exchange.abandon()
                raise
            status = note_failure(take_cut_off(), self._render_failure, exchange)
        except Exception as error:  # noqa: BLE001 - the door is the last to see it: a status and a log line are due
            status = note_failure(error, self._render_failure, exchange)
        else:
            exchange.finish(grpc.StatusCode.OK.name)
            rpc.set_trailing_metadata(((REQUEST_ID_KEY, exchange.origin.request_id),))
            return response
        finally:
            exchange.write(quiet=method.operation in self._probes)
        return await abort(rpc, status, exchange.origin)

    def _admit(self, operation: str, rpc: RpcContext, metadata: Mapping[bytes, bytes], exchange: Exchange) -> None:
        if operation not in self._probes:
            self._tracker.count(rpc)
        if operation not in self._open_operations:
            self._context.let_in(metadata, exchange)

    async def _work(self, method: "_Method[_Request]", data: bytes, deadline: Deadline, exchange: Exchange) -> Message:
        request = await parse_message(method.request_type, data, self._context.bulk)
        return await method.work(request, deadline, exchange)


def add_service(server: grpc.aio.Server, name: str, handlers: Mapping[str, Any]) -> None:
    """Let a server that has not started answer these methods of a service, by their names."""
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, dict(handlers)),))


async def parse_message(kind: type[_Request], data: bytes, bulk: Executor) -> _Request:
    """The message in these bytes.

    Raises:
        MalformedRequestError: If they are none.
    """
    if len(data) <= _INLINE_MESSAGE_BYTES:
        return _parse(kind, data)
    return await asyncio.get_running_loop().run_in_executor(bulk, _parse, kind, data)


async def read_or_refuse(kind: type[_Request], data: bytes, rpc: RpcContext) -> _Request:
    """The message in these bytes, for methods of a library: it would answer UNKNOWN, and log a traceback each time."""
    try:
        return _parse(kind, data)
    except MalformedRequestError as error:
        return await rpc.abort(grpc.StatusCode.INVALID_ARGUMENT, error.detail)


def serialize(message: Message) -> bytes:
    """The bytes of a message of any kind."""
    return message.SerializeToString()


async def work_until(deadline: Deadline, work: Callable[[], Awaitable[_Response]]) -> _Response:
    """Do the work, and cancel it at the deadline, wherever it is.

    Raises:
        DeadlineExceededError: If the deadline passes first.
    """
    try:
        async with asyncio.timeout(deadline.remaining_s()) as timer:
            return await work()
    except TimeoutError as error:
        if timer.expired():
            raise DeadlineExceededError("the deadline passed before the answer was there") from error
        raise


def take_cut_off() -> NotReadyError:
    """What the cancellation of the current task means at the end of the grace; the task goes on to say it."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
    return NotReadyError("the service shut down before this request was answered")


def _parse(kind: type[_Request], data: bytes) -> _Request:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise MalformedRequestError(f"{len(data)} bytes came that are no {kind.DESCRIPTOR.full_name}") from error


def read_metadata(rpc: RpcContext) -> dict[bytes, bytes]:
    """What the caller sent with a call, by name as HTTP headers have it."""
    return {key.encode(): _to_bytes(value) for key, value in rpc.invocation_metadata() or ()}


def find_address(rpc: RpcContext) -> str:
    """The caller's address without its port, as gRPC writes it; empty for a Unix socket."""
    return rpc.peer().partition(":")[2].rpartition(":")[0]


def note_failure(error: Exception, render_failure: FailureRenderer, exchange: Exchange) -> RpcStatus:
    """The status for an exception, noted in the exchange."""
    status = render_failure(error)
    exchange.finish(status.code.name, hide_unknown(error).reason)
    exchange.note_failure(error)
    return status


async def abort(rpc: RpcContext, status: RpcStatus, origin: Origin) -> NoReturn:
    """End a call with a status; raises what gRPC wants raised."""
    metadata = ((DETAILS_KEY, status.info), (REQUEST_ID_KEY, origin.request_id))
    await rpc.abort(status.code, status.detail, metadata)


def _to_bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value
