"""The frame around every unary call, whichever protocol it speaks: one answer and one log line, come what may."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Generic, NoReturn, TypeVar
from urllib.parse import unquote

import grpc
from google.protobuf.message import Message

from service.api.context import DoorContext
from service.api.exchange import Door, Exchange
from service.api.grpc.alarm import Alarm, deadline_passed, work_until
from service.api.grpc.calls import CallTracker, RpcContext
from service.api.grpc.incoming import MessageReader, QuestionReader, parse_message
from service.api.grpc.status import DETAILS_KEY, RpcStatus, render_any_status
from service.domain import Deadline, Origin
from service.errors import DigitCodecError, NotReadyError, hide_unknown

REQUEST_ID_KEY = "x-request-id"
"""Metadata that brings a request id, and takes it back with the answer."""

FailureRenderer = Callable[[Exception], RpcStatus]

# A caller's deadline passes with the caller first, who then leaves. On the wire it is rounded up, by 1 % at most.
_CLOCKS_DIFFER_S = 0.02
_WIRE_ROUNDING = 0.01

_OK = grpc.StatusCode.OK.name  # an enumeration looks its names up each time

_Request = TypeVar("_Request", bound=Message)

Work = Callable[[_Request, Deadline, Exchange], Awaitable[Message]]
"""What a method does: makes a response, and notes rows and version; raises core errors."""


@dataclass(frozen=True, slots=True)
class _Method(Generic[_Request]):
    """One unary method, with all that is the same for each of its calls; see `RpcFrame.build_handler`."""

    operation: str
    request_type: type[_Request]
    work: Work[_Request]
    takes_rows: bool
    is_probe: bool
    is_open: bool


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
        self._messages = MessageReader(tracker.max_message_bytes)
        self._questions = QuestionReader()

    def build_handler(
        self, operation: str, request_type: type[_Request], work: Work[_Request], *, takes_rows: bool = False
    ) -> Any:
        """The handler of a unary method.

        For gRPC it takes a stream, though no caller sends more than one message: it then runs at the head of the call,
        so that key, limits and deadline come before the message, which gRPC would keep in memory until it is whole.
        It takes bytes: what is no message gets an answer and a log line like every other refusal, and large messages
        are parsed off the event loop.

        Args:
            operation: What the log calls the method.
            request_type: The message that it takes.
            work: Makes the response, and notes rows and version.
            takes_rows: Its requests wait for the model, so that a full queue refuses them before they are read.
        """
        is_probe, is_open = operation in self._probes, operation in self._open_operations
        method = _Method(operation, request_type, work, takes_rows, is_probe, is_open)

        # No partial: at each call gRPC asks what kind of function this is, and for a partial that takes three times as
        # long.
        async def answer(_: object, rpc: RpcContext) -> Message:
            return await self._answer(method, rpc)

        return grpc.stream_unary_rpc_method_handler(answer, response_serializer=serialize)

    async def _answer(self, method: "_Method[_Request]", rpc: RpcContext) -> Message:
        """Answer one call within its deadline; what goes wrong becomes its status."""
        metadata = read_metadata(rpc)
        origin = self._context.find_origin(metadata, find_address(rpc))
        exchange = self._context.begin(self._door, method.operation, origin)
        asked_s = rpc.time_remaining()
        try:
            self._admit(method, rpc, metadata, exchange)
            deadline = self._context.find_deadline(asked_s)
            response = await work_until(deadline, partial(self._work, method, rpc, deadline, exchange))
        except asyncio.CancelledError:
            if not self._tracker.is_cut_off:
                note_end(rpc, asked_s, exchange, self._render_failure)
                raise
            status = note_failure(take_cut_off(), self._render_failure, exchange)
        except Exception as error:  # noqa: BLE001 - the door is the last to see it: a status and a log line are due
            status = note_failure(error, self._render_failure, exchange)
        else:
            exchange.finish(_OK)
            rpc.set_trailing_metadata(((REQUEST_ID_KEY, exchange.origin.request_id),))
            return response
        finally:
            exchange.write(quiet=method.is_probe)
        return await abort(rpc, status, exchange.origin)

    def _admit(
        self, method: "_Method[_Request]", rpc: RpcContext, metadata: Mapping[bytes, bytes], exchange: Exchange
    ) -> None:
        if not method.is_open:
            self._context.let_in(metadata, exchange)
        if method.is_probe:
            self._tracker.probes.take(rpc, exchange.origin.caller)
        else:
            self._tracker.count(rpc, exchange.origin.caller)

    async def _work(
        self, method: "_Method[_Request]", rpc: RpcContext, deadline: Deadline, exchange: Exchange, alarm: Alarm
    ) -> Message:
        caller = exchange.origin.caller
        if method.takes_rows:
            self._context.check_room(None, caller)
        holding = self._context.budget.open(caller)
        try:
            data = await (self._questions.read(rpc) if method.is_open else self._messages.read(rpc, holding, alarm))
            if method.takes_rows:
                self._context.check_room(len(data), caller)
            holding.take(len(data))
            request = await parse_message(method.request_type, data, self._context.bulk)
            return await method.work(request, deadline, exchange)
        finally:
            holding.let_go()


def add_service(server: grpc.aio.Server, name: str, handlers: Mapping[str, Any]) -> None:
    """Let a server that has not started answer these methods of a service, by their names."""
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, dict(handlers)),))


def serialize(message: Message) -> bytes:
    """The bytes of a message of any kind."""
    return message.SerializeToString()


def take_cut_off() -> NotReadyError:
    """What the cancellation of the current task means at the end of the grace; the task goes on to say it."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
    return NotReadyError("the service shut down before this request was answered")


def read_metadata(rpc: RpcContext) -> dict[bytes, bytes]:
    """What the caller sent with a call, by name as HTTP headers have it."""
    return {key.encode(): _to_bytes(value) for key, value in rpc.invocation_metadata() or ()}


def find_address(rpc: RpcContext) -> str:
    """The caller's address without its port, as HTTP has it too; empty for a Unix socket."""
    return _read_address(rpc.peer())


@lru_cache(1024)  # a connection brings many calls
def _read_address(peer: str) -> str:
    kind, _, address = peer.partition(":")
    return unquote(address).rpartition(":")[0].strip("[]") if kind.startswith("ip") else ""


def note_failure(error: Exception, render_failure: FailureRenderer, exchange: Exchange) -> RpcStatus:
    """The status for an exception, noted in the exchange."""
    status = render_failure(error)
    exchange.finish(status.code.name, hide_unknown(error).reason)
    exchange.note_failure(error)
    return status


def note_end(rpc: RpcContext, asked_s: float | None, exchange: Exchange, render_failure: FailureRenderer) -> None:
    """Note why gRPC has ended a call before its answer: its deadline has passed, or its caller has left.

    Args:
        rpc: The call.
        asked_s: Seconds that it had when it came; None for no end.
        exchange: Takes the note.
        render_failure: As the door's.
    """
    left_s = rpc.time_remaining()
    if asked_s is None or left_s is None or left_s > _CLOCKS_DIFFER_S + _WIRE_ROUNDING * asked_s:
        exchange.abandon()
    else:
        note_failure(deadline_passed(), render_failure, exchange)


async def abort(rpc: RpcContext, status: RpcStatus, origin: Origin) -> NoReturn:
    """End a call with a status; raises what gRPC wants raised."""
    metadata = ((DETAILS_KEY, status.info), (REQUEST_ID_KEY, origin.request_id))
    await rpc.abort(status.code, status.detail, metadata)


async def refuse(rpc: RpcContext, error: DigitCodecError) -> NoReturn:
    """End a call that has no id and no line in the log; raises what gRPC wants raised."""
    status = render_any_status(error)
    await rpc.abort(status.code, status.detail, ((DETAILS_KEY, status.info),))


def _to_bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value
