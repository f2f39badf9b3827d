"""Keys over gRPC: the same callers are let in as over HTTP, and health needs none."""

from collections.abc import AsyncIterator
from typing import Any, cast

import grpc
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from support.fakes import FakeBackend, count_images
from support.grpc_door import open_channel, read_details
from support.http_door import LineLog, build_context
from support.key_gate import SECRET, RingGate

from service.api.grpc import CallTracker, HealthKeeper, add_codec_service, add_reflection, refuse_unknown
from service.api.inference import add_inference_service
from service.api.tfserving import add_serving_services
from service.wire import codec_pb2 as pb
from service.wire import inference_pb2 as inference
from service.wire.codec_pb2_grpc import CodecStub
from service.wire.inference_pb2_grpc import GRPCInferenceServiceStub

REQUEST = pb.ScoreRequest(images=pb.Images(packed=count_images(1).tobytes()))
STREAMED = pb.ReconstructStreamRequest(
    request=pb.ReconstructRequest(images=pb.Images(packed=count_images(1).tobytes()))
)
BEARER = (("authorization", f"Bearer {SECRET}"),)


@pytest.fixture
def gate() -> RingGate:
    """Lets one key in."""
    return RingGate()


@pytest.fixture
def log() -> LineLog:
    """Keeps the lines."""
    return LineLog()


@pytest.fixture
async def channel(gate: RingGate, log: LineLog) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to all gRPC doors of a gateway that has a key."""
    context = build_context(FakeBackend(), gate=gate, log=log)
    health = HealthKeeper(["digitcodec.v1.Codec"], context.codec.is_ready)

    def add(server: grpc.aio.Server) -> None:
        tracker = CallTracker()
        add_codec_service(server, context, tracker, stream_rows=64)
        add_inference_service(server, context, tracker)
        add_serving_services(server, context, tracker, packed_tensors=False, relabel=None)
        add_reflection(server, ["digitcodec.v1.Codec"], context)
        health.add_to(server)
        refuse_unknown(server, context)

    async with open_channel(add) as opened:
        yield opened


async def refuse(call: Any) -> tuple[str, str]:
    """Status and reason of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code().name, read_details(caught.value)["ErrorInfo"].reason


@pytest.mark.parametrize("metadata", [BEARER, (("x-api-key", SECRET),)])
async def test_key_opens(channel: grpc.aio.Channel, log: LineLog, metadata: Any) -> None:
    """By the metadata that HTTP has as headers; the line names the key."""
    stub: Any = CodecStub(channel)
    answer = await stub.Score(REQUEST, metadata=metadata)

    assert 1 == len(answer.verdicts.errors)
    assert "scanner-hall" == log.lines[0][2]["key"]


@pytest.mark.parametrize("metadata", [None, (("authorization", "Bearer wrong"),), (("x-api-key", ""),)])
async def test_without_the_key_nothing_opens(channel: grpc.aio.Channel, metadata: Any) -> None:
    """Our own service, the neighbours' and reflection."""
    codec: Any = CodecStub(channel)
    neighbour: Any = GRPCInferenceServiceStub(channel)
    predict: Any = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    closed = ("UNAUTHENTICATED", "unauthenticated")

    assert closed == await refuse(codec.Score(REQUEST, metadata=metadata))
    assert closed == await refuse(neighbour.ModelInfer(inference.ModelInferRequest(), metadata=metadata))
    assert closed == await refuse(predict(b"", metadata=metadata))
    assert closed == await refuse(anext(aiter(codec.ReconstructStream(iter([STREAMED]), metadata=metadata))))
    assert closed == await refuse(anext(aiter(_reflect(channel, metadata))))


async def test_methods_are_not_told_to_who_has_no_key(channel: grpc.aio.Channel) -> None:
    """One that does not exist is refused like one that does; who has a key learns the difference."""
    unknown: Any = channel.unary_unary("/digitcodec.v1.Codec/Unknown")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unknown(b"", metadata=BEARER)

    assert ("UNAUTHENTICATED", "unauthenticated") == await refuse(unknown(b""))
    assert grpc.StatusCode.UNIMPLEMENTED == caught.value.code()


async def test_health_is_open(channel: grpc.aio.Channel) -> None:
    """The standard service's, and what Triton's clients ask."""
    health: Any = health_pb2_grpc.HealthStub(channel)
    neighbour: Any = GRPCInferenceServiceStub(channel)
    await health.Check(health_pb2.HealthCheckRequest())
    await neighbour.ServerLive(inference.ServerLiveRequest())
    await neighbour.ServerReady(inference.ServerReadyRequest())


async def test_reflection_opens_with_the_key(channel: grpc.aio.Channel) -> None:
    """As a caller of reflection needs it."""
    answer = await anext(aiter(_reflect(channel, BEARER)))

    assert "digitcodec.v1.Codec" in {each.name for each in answer.list_services_response.service}


async def test_stream_ends_with_its_key(channel: grpc.aio.Channel, gate: RingGate) -> None:
    """A key that is taken away opens nothing more, also on a stream that is open."""
    stub: Any = CodecStub(channel)
    call = stub.ReconstructStream(metadata=BEARER)
    await call.write(STREAMED)
    first = await call.read()
    gate.lock()
    await call.write(STREAMED)
    second = await call.read()
    await call.done_writing()

    assert ["response", "failure"] == [each.WhichOneof("outcome") for each in (first, second)]
    assert "unauthenticated" == second.failure.reason


def _reflect(channel: grpc.aio.Channel, metadata: Any) -> Any:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast("Any", channel))
    request: Message = reflection_pb2.ServerReflectionRequest(list_services="")
    return stub.ServerReflectionInfo(iter([request]), metadata=metadata)
