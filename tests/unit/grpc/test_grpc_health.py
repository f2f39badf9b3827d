"""Health and reflection, as load balancers and grpcurl use them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from support.fakes import HeldBackend
from support.grpc_door import open_channel, open_server
from support.http_door import build_context
from support.raw_grpc import call_without_window

from service.api.grpc import CallTracker, HealthKeeper, add_codec_service, add_reflection

CODEC = "digitcodec.v1.Codec"
Status = health_pb2.HealthCheckResponse


@pytest.fixture
def keeper(backend: HeldBackend) -> HealthKeeper:
    """Keeps the health of one service."""
    return HealthKeeper([CODEC], backend.is_ready)


@pytest.fixture
async def health(keeper: HealthKeeper) -> AsyncIterator[Any]:
    """A client of the health service."""
    async with open_channel(keeper.add_to) as channel:
        keeper.start()
        yield health_pb2_grpc.HealthStub(channel)
        keeper.drain()


async def check(health: Any, service: str = "") -> int:
    """The status of a service."""
    answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


async def test_liveness_and_readiness_are_two_questions(health: Any, backend: HeldBackend) -> None:
    """The empty name says that the process lives, the service's name that it can answer; a watcher sees the change."""
    watch = health.Watch(health_pb2.HealthCheckRequest(service=CODEC))
    seen = [(await watch.read()).status]
    backend.versions.clear()
    async with asyncio.timeout(10):
        seen.append((await watch.read()).status)

    assert [Status.SERVING, Status.NOT_SERVING] == seen
    assert (Status.SERVING, Status.NOT_SERVING) == (await check(health), await check(health, CODEC))
    watch.cancel()


async def test_watcher_is_told_after_another_has_left(health: Any, backend: HeldBackend) -> None:
    """Each watcher is by itself."""
    leaving, staying = (health.Watch(health_pb2.HealthCheckRequest(service=CODEC)) for _ in range(2))
    first = [(await watch.read()).status for watch in (leaving, staying)]
    leaving.cancel()
    backend.versions.clear()
    async with asyncio.timeout(10):
        second = (await staying.read()).status
    staying.cancel()

    assert ([Status.SERVING] * 2, Status.NOT_SERVING) == (first, second)


async def test_watcher_who_takes_nothing_disturbs_nobody(keeper: HealthKeeper, backend: HeldBackend) -> None:
    """Questions are answered and other watchers told, whatever one of them does not read."""
    asked = health_pb2.HealthCheckRequest(service=CODEC)
    async with open_server(keeper.add_to) as address, grpc.aio.insecure_channel(address) as channel:
        keeper.start()
        async with call_without_window(address, "/grpc.health.v1.Health/Watch", asked):
            health: Any = health_pb2_grpc.HealthStub(channel)
            watch = health.Watch(asked)
            first = (await watch.read()).status
            backend.versions.clear()
            async with asyncio.timeout(10):
                second, answer = (await watch.read()).status, await check(health, CODEC)
        keeper.drain()

    assert (Status.SERVING, Status.NOT_SERVING, Status.NOT_SERVING) == (first, second, answer)


async def test_watchers_have_places_of_their_own(backend: HeldBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may watch, so that there must be an end; a question is answered none the less."""
    monkeypatch.setattr("service.api.grpc.health._MAX_WATCHES", 3)
    keeper = HealthKeeper([CODEC], backend.is_ready)
    async with open_channel(keeper.add_to) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        watches = [health.Watch(health_pb2.HealthCheckRequest()) for _ in range(2)]
        for watch in watches:
            await watch.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health.Watch(health_pb2.HealthCheckRequest()).read()
        answer = await check(health)
        for watch in watches:
            watch.cancel()

    assert (grpc.StatusCode.RESOURCE_EXHAUSTED, Status.SERVING) == (caught.value.code(), answer)


async def test_unknown_service_may_be_watched(health: Any) -> None:
    """As the protocol has it: it may come to be known."""
    watch = health.Watch(health_pb2.HealthCheckRequest(service="unknown"))
    status = (await watch.read()).status
    watch.cancel()

    assert Status.SERVICE_UNKNOWN == status


async def test_unknown_service_is_not_found(health: Any) -> None:
    """As the protocol has it."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await check(health, "unknown")

    assert grpc.StatusCode.NOT_FOUND == caught.value.code()


async def test_draining_is_not_serving(health: Any, keeper: HealthKeeper) -> None:
    """Nobody is to send anything any more, and nothing changes that."""
    watch = health.Watch(health_pb2.HealthCheckRequest())
    first = (await watch.read()).status
    keeper.drain()
    async with asyncio.timeout(10):
        second = (await watch.read()).status
    watch.cancel()

    assert (Status.SERVING, Status.NOT_SERVING) == (first, second)
    assert (Status.NOT_SERVING, Status.NOT_SERVING) == (await check(health), await check(health, CODEC))


async def test_reflection_is_enough_to_call(backend: HeldBackend) -> None:
    """A client that has no .proto file finds the services, builds a request and reads the answer."""
    context = build_context(backend)

    def add(server: grpc.aio.Server) -> None:
        name = add_codec_service(server, context, CallTracker(), stream_rows=4)
        services = [name, "tensorflow.serving.PredictionService", "inference.GRPCInferenceService"]
        add_reflection(server, services, context)

    async with open_server(add) as address:
        services, version = await asyncio.to_thread(_call_by_reflection, address)

    assert {CODEC, "tensorflow.serving.PredictionService", "inference.GRPCInferenceService"} < set(services)
    assert 2 == version


def _call_by_reflection(address: str) -> tuple[list[str], int]:
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = list(database.get_services())
        pool = DescriptorPool(database)
        for service in (CODEC, "tensorflow.serving.PredictionService", "inference.GRPCInferenceService"):
            assert pool.FindServiceByName(service).methods
        method = pool.FindServiceByName(CODEC).methods_by_name["Encode"]
        request: Any = GetMessageClass(method.input_type)()
        request.images.packed = bytes(784)
        call: Any = channel.unary_unary(
            f"/{CODEC}/Encode",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        answer = call(request, timeout=10)
        return services, int(answer.model.version)


@pytest.mark.parametrize("method", ["Check", "Watch"])
async def test_bytes_that_are_no_question_are_the_callers_mistake(keeper: HealthKeeper, method: str) -> None:
    """The library would call it unknown, and log a traceback for whoever sends them."""
    async with open_channel(keeper.add_to) as channel:
        ask: Any = channel.unary_unary if method == "Check" else channel.unary_stream
        call = ask(f"/grpc.health.v1.Health/{method}")(b"\xff")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await (call if method == "Check" else anext(aiter(call)))

    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()


async def test_reflection_refuses_bytes_that_are_no_question() -> None:
    """In the same way."""
    async with open_channel(lambda server: add_reflection(server, [CODEC], build_context())) as channel:
        call: Any = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await anext(aiter(call(iter([b"\xff"]))))

    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()
