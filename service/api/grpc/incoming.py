"""The message of a unary call: read while its caller is known and its deadline runs, not by gRPC before that."""

import asyncio
from functools import partial
from typing import TypeVar, cast

import grpc
from google.protobuf.message import DecodeError, Message

from service.api.budget import Holding
from service.api.bulk import BulkExecutor
from service.api.grpc.alarm import Alarm
from service.api.grpc.calls import RpcContext
from service.errors import DeadlineExceededError, MalformedRequestError, OverloadedError

# Packed rows are copied, not looked at; a megabyte of tiny fields takes some 20 ms.
_INLINE_MESSAGE_BYTES = 2**18

# A message mostly comes with its call. What a fast line (8 Gbit/s) brings in so long is what all requests may hold.
_LATE_S = 0.25

# So much later the end of a call reaches us than the end of its messages, if both have one cause.
_CANCELLATION_S = 0.1

# A question of strangers has a few bytes, which come with its call; others may wait for the place.
_QUESTION_S = 1.0
_MAX_QUESTIONS = 8

_Request = TypeVar("_Request", bound=Message)


class MessageReader:
    """Reads the messages of callers who were let in."""

    def __init__(self, max_message_bytes: int) -> None:
        """Prepare.

        Args:
            max_message_bytes: What gRPC takes at most.
        """
        self._max_message_bytes = max_message_bytes
        # When each message will be late, by the event loop's clock, and what then ends its call; in this order.
        self._expected: dict[Holding, tuple[float, Alarm]] = {}
        self._is_watching = False

    async def read(self, rpc: RpcContext, holding: Holding, alarm: Alarm) -> bytes:
        """The message of a call.

        gRPC tells nobody how much of it has come. While one is late it counts for the largest.

        Args:
            rpc: The call.
            holding: What it holds of the budget: nothing, neither before nor afterwards.
            alarm: Rings with an OverloadedError if the message is late, and there is no room for the largest.

        Raises:
            MalformedRequestError: If none comes.
        """
        self._expect(holding, alarm)
        try:
            return await _read(rpc)
        finally:
            if self._expected.pop(holding, None) is None:
                holding.let_go()

    def _expect(self, holding: Holding, alarm: Alarm) -> None:
        late_at_s = alarm.loop.time() + _LATE_S
        self._expected[holding] = late_at_s, alarm
        if not self._is_watching:
            self._is_watching = True
            alarm.loop.call_at(late_at_s, self._watch, alarm.loop)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take room for the messages that are late; one timer for all, since nearly every message is in time."""
        while self._expected:
            holding, (late_at_s, alarm) = next(iter(self._expected.items()))
            if late_at_s > loop.time():
                loop.call_at(late_at_s, self._watch, loop)
                return
            del self._expected[holding]
            self._take_largest(holding, alarm)
        self._is_watching = False

    def _take_largest(self, holding: Holding, alarm: Alarm) -> None:
        try:
            holding.take(self._max_message_bytes)
        except OverloadedError as error:
            alarm.ring(error)


class QuestionReader:
    """Reads what anybody may ask without a key: few at a time, and not for long.

    Strangers must not fill the budget of those who have keys, nor the memory beside it. Whoever asks while too many are
    being read is not refused: the oldest of them is late, and gives up its place.
    """

    def __init__(self) -> None:
        self._reading: dict[RpcContext, asyncio.Timeout] = {}

    async def read(self, rpc: RpcContext) -> bytes:
        """The message of a call.

        Raises:
            DeadlineExceededError: If it does not come in time.
            MalformedRequestError: If none comes.
        """
        if len(self._reading) >= _MAX_QUESTIONS:
            self._end_oldest()
        try:
            async with asyncio.timeout(_QUESTION_S) as timer:
                self._reading[rpc] = timer
                return await _read(rpc)
        except TimeoutError as error:
            raise DeadlineExceededError("the message did not come in time") from error
        finally:
            self._reading.pop(rpc, None)

    def _end_oldest(self) -> None:
        timer = self._reading.pop(next(iter(self._reading)))
        if not timer.expired():
            timer.reschedule(asyncio.get_running_loop().time())


async def _read(rpc: RpcContext) -> bytes:
    data = await rpc.read()
    if data is grpc.aio.EOF:
        await asyncio.sleep(_CANCELLATION_S)  # a caller who left has sent no message either, and is not answered
        raise MalformedRequestError("the call brought no message")
    return cast("bytes", data)


async def parse_message(kind: type[_Request], data: bytes, bulk: BulkExecutor) -> _Request:
    """The message in these bytes.

    Raises:
        MalformedRequestError: If they are none.
    """
    if len(data) <= _INLINE_MESSAGE_BYTES:
        return parse(kind, data)
    return await bulk.run(partial(parse, kind, data))


def parse(kind: type[_Request], data: bytes) -> _Request:
    """The message in these few bytes.

    Raises:
        MalformedRequestError: If they are none.
    """
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise MalformedRequestError(f"{len(data)} bytes came that are no {kind.DESCRIPTOR.full_name}") from error
