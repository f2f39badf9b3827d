"""The frame around every unary call, whichever protocol it speaks: one answer and one log line, come what may."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import grpc

from service.api.context import DoorContext
from service.api.exchange import Door, Exchange, find_origin
from service.api.grpc.status import DETAILS_KEY, RpcStatus, render_status
from service.domain import Deadline, Origin
from service.errors import hide_unknown

REQUEST_ID_KEY = "x-request-id"
"""Metadata that brings a request id, and takes it back with the answer."""

RpcContext = grpc.aio.ServicerContext[Any, Any]
FailureRenderer = Callable[[Exception], RpcStatus]

_Response = TypeVar("_Response")


class CallTracker:
    """The calls that are under way, and whether the service is draining.

    Attributes:
        draining: Set once no new work is wanted; long-lived calls end when they see it.
    """

    def __init__(self) -> None:
        self.draining = asyncio.Event()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a call as under way while the block runs."""
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def wait_until_idle(self) -> None:
        """Return once no call is under way."""
        await self._idle.wait()


class RpcFrame:
    """Answers unary calls of one door."""

    def __init__(
        self,
        door: Door,
        context: DoorContext,
        tracker: CallTracker,
        render_failure: FailureRenderer = lambda error: render_status(hide_unknown(error)),
        *,
        probes: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare for a door.

        Args:
            door: What the log calls it.
            context: The log, the limits of deadlines and the source of ids.
            tracker: Is told of every call.
            render_failure: The status for an exception, in the words of the door's protocol.
            probes: Operations that machines ask for every second: a good answer to them is no news.
        """
        self._door = door
        self._context = context
        self._tracker = tracker
        self._render_failure = render_failure
        self._probes = probes

    async def answer(
        self, operation: str, work: Callable[[Deadline, Exchange], Awaitable[_Response]], rpc: RpcContext
    ) -> _Response:
        """Do the work of one call within its deadline; what it raises becomes the call's status.

        Args:
            operation: What the log calls it.
            work: Makes the response, and notes rows and version.
            rpc: The call.
        """
        exchange = Exchange(self._door, operation, find_rpc_origin(rpc, self._context))
        with self._tracker.counted():
            try:
                response = await work(self._context.find_deadline(rpc.time_remaining()), exchange)
            except asyncio.CancelledError:
                exchange.abandon()
                raise
            except Exception as error:  # noqa: BLE001 - the door is the last to see it: a status and a log line are due
                status = note_failure(error, self._render_failure, exchange)
            else:
                exchange.finish(grpc.StatusCode.OK.name)
                rpc.set_trailing_metadata(((REQUEST_ID_KEY, exchange.origin.request_id),))
                return response
            finally:
                exchange.write(self._context.log, quiet=operation in self._probes)
            return await abort(rpc, status, exchange.origin)


def find_rpc_origin(rpc: RpcContext, context: DoorContext) -> Origin:
    """Where a call came from, by its metadata."""
    metadata = dict(rpc.invocation_metadata() or ())
    return find_origin(_to_bytes(metadata.get(REQUEST_ID_KEY)), _to_bytes(metadata.get("traceparent")), context.make_id)


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


def _to_bytes(value: str | bytes | None) -> bytes | None:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value
