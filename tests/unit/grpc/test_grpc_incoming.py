"""Messages that come late, or never: key, limits and deadline hold before gRPC has the whole of one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from support.fakes import FakeBackend, count_images
from support.grpc_door import open_channel, read_reason
from support.http_door import LineLog, build_context
from support.key_gate import RingGate

from service.api.context import DoorContext
from service.api.grpc import CallTracker, HealthKeeper, add_codec_service, incoming
from service.settings import LimitSettings
from service.wire import codec_pb2 as pb

SCORE = "/digitcodec.v1.Codec/Score"
CHECK = "/grpc.health.v1.Health/Check"
REQUEST = pb.ScoreRequest(images=pb.Images(packed=count_images(1).tobytes())).SerializeToString()
MESSAGE_BYTES = 2**20


@pytest.fixture
def limits() -> LimitSettings:
    """Room for two messages of the largest kind, and a short deadline."""
    return LimitSettings(max_inflight_bytes=2 * MESSAGE_BYTES, default_timeout_s=0.2)


@pytest.fixture
def context(limits: LimitSettings, log: LineLog) -> DoorContext:
    """A core for anybody."""
    return build_context(FakeBackend(), limits=limits, log=log)


@pytest.fixture
async def caller(context: DoorContext) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a door that takes messages of a mebibyte."""
    tracker = CallTracker(max_message_bytes=MESSAGE_BYTES)
    async with open_channel(lambda server: add_codec_service(server, context, tracker, stream_rows=4)) as opened:
        yield opened


def begin(channel: grpc.aio.Channel, method: str = SCORE, timeout_s: float | None = None) -> Any:
    """A call whose message the test sends, or does not."""
    return channel.stream_unary(method)(timeout=timeout_s)


async def refuse(call: Any) -> tuple[str, str]:
    """Status and reason of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code().name, read_reason(caught.value)


async def test_key_is_judged_before_the_message(log: LineLog) -> None:
    """A stranger is refused at once, and the log has a line of it."""
    context = build_context(FakeBackend(), gate=RingGate(), log=log)
    async with open_channel(lambda server: add_codec_service(server, context, CallTracker(), stream_rows=4)) as channel:
        refusal = await refuse(begin(channel))

    assert ("UNAUTHENTICATED", "unauthenticated") == refusal
    assert ["unauthenticated"] == [fields["reason"] for _, _, fields in log.lines]


async def test_deadline_holds_for_a_message_that_never_comes(
    caller: grpc.aio.Channel, context: DoorContext, log: LineLog
) -> None:
    """The call ends at the default deadline, and holds nothing any more."""
    refusal = await refuse(begin(caller))

    assert ("DEADLINE_EXCEEDED", "deadline_exceeded") == refusal
    assert ["deadline_exceeded"] == [fields["reason"] for _, _, fields in log.lines]
    assert 0 == context.budget.used


async def test_late_message_counts_for_the_largest(
    caller: grpc.aio.Channel, context: DoorContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is there: how much of it gRPC holds meanwhile is not known."""
    monkeypatch.setattr(incoming, "_LATE_S", 0.01)
    call = begin(caller, timeout_s=10)
    async with asyncio.timeout(10):
        while not context.budget.used:  # noqa: ASYNC110 - the budget knows no event
            await asyncio.sleep(0.001)
    held_bytes = context.budget.used
    await call.write(REQUEST)
    await call.done_writing()
    answer = pb.ScoreResponse.FromString(await call)

    assert (MESSAGE_BYTES, 1) == (held_bytes, len(answer.verdicts.errors))
    assert 0 == context.budget.used


async def test_each_message_is_late_by_its_own_clock(
    caller: grpc.aio.Channel, context: DoorContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was in time, or late, changes nothing for those that come after it."""
    monkeypatch.setattr(incoming, "_LATE_S", 0.01)
    score: Any = caller.unary_unary(SCORE)
    for _ in range(2):
        await score(REQUEST, timeout=10)
        call = begin(caller, timeout_s=10)
        async with asyncio.timeout(10):
            while not context.budget.used:  # noqa: ASYNC110 - the budget knows no event
                await asyncio.sleep(0.001)
        await call.write(REQUEST)
        await call.done_writing()
        await call

    assert 0 == context.budget.used


async def test_late_message_without_room_is_refused(
    caller: grpc.aio.Channel, context: DoorContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it fills the memory that others' requests have."""
    monkeypatch.setattr(incoming, "_LATE_S", 0.01)
    with context.budget.hold(MESSAGE_BYTES + 1, "another"):
        refusal = await refuse(begin(caller, timeout_s=10))
        held_bytes = context.budget.used

    assert (("RESOURCE_EXHAUSTED", "overloaded"), MESSAGE_BYTES + 1) == (refusal, held_bytes)


async def test_call_without_a_message_is_malformed(caller: grpc.aio.Channel) -> None:
    """Clients of unary methods send one, and strangers get an answer."""
    call = begin(caller, timeout_s=10)
    await call.done_writing()

    assert ("INVALID_ARGUMENT", "malformed_request") == await refuse(call)


async def test_second_message_is_not_read(caller: grpc.aio.Channel) -> None:
    """The first is answered, as gRPC's own unary methods do."""
    score: Any = caller.stream_unary(SCORE)
    answer = await score(iter([REQUEST, b"\xff"]), timeout=10)

    assert 1 == len(pb.ScoreResponse.FromString(answer).verdicts.errors)


async def test_caller_who_leaves_before_its_message_is_one_who_left(caller: grpc.aio.Channel, log: LineLog) -> None:
    """Not one who made a mistake."""
    leaving = begin(caller, timeout_s=10)
    await leaving.wait_for_connection()
    leaving.cancel()
    async with asyncio.timeout(10):
        while not log.lines:
            log.written.clear()
            await log.written.wait()

    assert ["client_disconnected"] == [fields["reason"] for _, _, fields in log.lines]


async def test_open_questions_that_stall_make_room_for_others() -> None:
    """Whoever asks without a key and does not go on is late; nobody waits for it."""
    keeper = HealthKeeper([], lambda: True)
    async with open_channel(keeper.add_to) as channel:
        stalled = [begin(channel, CHECK) for _ in range(20)]
        oldest = asyncio.ensure_future(refuse(stalled[0]))
        asked: Any = channel.unary_unary(CHECK)
        answer = health_pb2.HealthCheckResponse.FromString(await asked(b"", timeout=10))
        refusal = await oldest
        for call in stalled:
            call.cancel()

    assert health_pb2.HealthCheckResponse.SERVING == answer.status
    assert ("DEADLINE_EXCEEDED", "deadline_exceeded") == refusal
