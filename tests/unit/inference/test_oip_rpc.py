"""The protocol over gRPC: a real server and the generated stubs."""

from types import SimpleNamespace
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fakes import CODE_DIM, FakeBackend, count_images, fake_codes, fake_pictures, fake_scores
from support.grpc_door import open_channel, read_reason
from support.http_door import CountingExecutor, LineLog, build_context
from support.inference_calls import IMAGES, PIXELS, prefix, read_message

from service import __version__
from service.api.grpc import CallTracker
from service.api.inference import add_inference_service
from service.api.inference.rpc_tensors import count_bytes
from service.errors import BackendError, OverloadedError, PayloadTooLargeError
from service.images import render_png
from service.wire import inference_pb2 as pb
from service.wire.inference_pb2_grpc import GRPCInferenceServiceStub

CODES = fake_codes(IMAGES)
PNGS = [render_png(image) for image in IMAGES]
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND


def build(
    *,
    model: str = "digits-encode",
    name: str = "images",
    datatype: str = "UINT8",
    shape: Any = (2, 28, 28),
    raw: bytes | None = None,
    outputs: Any = (),
    parameters: Any = None,
    version: str = "",
    id: str = "",  # noqa: A002 - the protocol's name
    **contents: Any,
) -> pb.ModelInferRequest:
    """A request with one input, raw or typed."""
    tensor = pb.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=shape)
    if contents:
        tensor.contents.CopyFrom(pb.InferTensorContents(**contents))
    return pb.ModelInferRequest(
        model_name=model,
        model_version=version,
        id=id,
        parameters=parameters,
        inputs=[tensor],
        outputs=[pb.ModelInferRequest.InferRequestedOutputTensor(name=output) for output in outputs],
        raw_input_contents=[] if raw is None else [raw],
    )


async def refuse(stub: Any, request: pb.ModelInferRequest) -> grpc.aio.AioRpcError:
    """The error that a request ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ModelInfer(request)
    return caught.value


@pytest.mark.parametrize(
    "request_",
    [
        build(uint_contents=PIXELS),
        build(uint_contents=PIXELS, datatype="UINT16"),
        build(uint_contents=PIXELS, datatype="UINT32", shape=(2, 784)),
        build(uint64_contents=PIXELS, datatype="UINT64"),
        build(int_contents=PIXELS, datatype="INT16"),
        build(int64_contents=PIXELS, datatype="INT64", shape=(2, 28, 28, 1)),
        build(fp32_contents=[pixel / 255 for pixel in PIXELS], datatype="FP32"),
        build(fp64_contents=[pixel / 255 for pixel in PIXELS], datatype="FP64"),
        build(bytes_contents=PNGS, datatype="BYTES", shape=(2,)),
        build(bytes_contents=PNGS, datatype="BYTES", shape=(2, 1)),
    ],
    ids=lambda request: f"{request.inputs[0].datatype}-{len(request.inputs[0].shape)}",
)
async def test_typed_requests_have_typed_answers(stub: Any, request_: pb.ModelInferRequest) -> None:
    """Every type that images have; MLServer's clients read only what is typed."""
    answer = await stub.ModelInfer(request_)

    assert not answer.raw_output_contents
    assert ("codes", "FP32", [2, CODE_DIM]) == (
        answer.outputs[0].name,
        answer.outputs[0].datatype,
        list(answer.outputs[0].shape),
    )
    assert np.array_equal(CODES, read_message(answer)["codes"])


@pytest.mark.parametrize(
    ("raw", "datatype", "shape"),
    [
        (IMAGES.tobytes(), "UINT8", (2, 28, 28)),
        ((IMAGES / 255).astype("<f2").tobytes(), "FP16", (2, 784)),
        ((IMAGES / 255).astype("<f8").tobytes(), "FP64", (2, 28, 28)),
        (prefix(*PNGS), "BYTES", (2,)),
    ],
)
async def test_raw_requests_have_raw_answers(stub: Any, raw: bytes, datatype: str, shape: Any) -> None:
    """Triton's clients send and read nothing else; FP16 comes only so."""
    answer = await stub.ModelInfer(build(raw=raw, datatype=datatype, shape=shape))

    assert not answer.outputs[0].HasField("contents")
    assert np.array_equal(CODES, read_message(answer)["codes"])


@pytest.mark.parametrize("raw", [False, True])
async def test_pictures_go_out_as_they_come_in(stub: Any, *, raw: bool) -> None:
    """`decode` answers UINT8, typed or raw."""
    codes = {"raw": CODES.tobytes()} if raw else {"fp32_contents": CODES.ravel().tolist()}
    request = build(model="digits-decode", name="codes", datatype="FP32", shape=CODES.shape, **codes)
    answer = await stub.ModelInfer(request)

    assert np.array_equal(fake_pictures(CODES), read_message(answer)["images"])


async def test_named_outputs_alone_are_computed(stub: Any, backend: FakeBackend) -> None:
    """In the caller's order; scores cost no pictures."""
    request = build(model="digits", raw=IMAGES.tobytes(), outputs=["anomaly_scores", "errors"])
    outputs = read_message(await stub.ModelInfer(request))

    assert ["anomaly_scores", "errors"] == list(outputs)
    assert np.array_equal(fake_scores(IMAGES), outputs["anomaly_scores"])
    assert ("errors", "anomaly_scores") == backend.batches[0][0].outputs


@pytest.mark.parametrize(("version", "number"), [("", "2"), ("1", "1"), ("stable", "1")])
async def test_answer_says_who_answered(stub: Any, version: str, number: str) -> None:
    """Model, version and the caller's id."""
    answer = await stub.ModelInfer(build(raw=IMAGES.tobytes(), version=version, id="mine"))

    assert ("digits-encode", number, "mine") == (answer.model_name, answer.model_version, answer.id)


async def test_parameters(stub: Any) -> None:
    """`signature_name` chooses, unknown ones are passed over, even those without a value."""
    parameters = {
        "signature_name": pb.InferParameter(string_param="encode"),
        "preprocess": pb.InferParameter(string_param="mnist"),
        "priority": pb.InferParameter(uint64_param=1),
        "nothing": pb.InferParameter(),
    }
    answer = await stub.ModelInfer(build(model="digits", raw=IMAGES.tobytes(), parameters=parameters))

    assert ["codes"] == list(read_message(answer))


async def test_large_requests_are_read_aside(stub: Any, bulk: CountingExecutor) -> None:
    """Rows and answer of a large request leave the event loop alone."""
    many = count_images(200)
    answer = await stub.ModelInfer(build(raw=many.tobytes(), shape=many.shape))

    assert np.array_equal(fake_codes(many), read_message(answer)["codes"])
    assert 2 == bulk.submitted


REFUSALS: dict[str, tuple[pb.ModelInferRequest, grpc.StatusCode, str, str]] = {
    "no input": (pb.ModelInferRequest(model_name="digits"), INVALID, "malformed_request", "0 inputs came"),
    "many outputs": (
        build(raw=IMAGES.tobytes(), outputs=["codes"] * 257),
        INVALID,
        "malformed_request",
        "257 outputs came, the limit is 256",
    ),
    "no contents": (build(), INVALID, "malformed_request", "0 elements came, the shape [2, 28, 28] has 1568"),
    "other field": (build(fp32_contents=[0] * 1568), INVALID, "malformed_request", "0 elements came"),
    "other count": (build(uint_contents=PIXELS[1:]), INVALID, "malformed_request", "1567 elements came"),
    "256": (build(uint_contents=[256] * 1568), INVALID, "malformed_request", "out of the range of UINT8"),
    "-129": (
        build(int_contents=[-129] * 1568, datatype="INT8"),
        INVALID,
        "malformed_request",
        "int_contents holds an integer that is out of the range of INT8",
    ),
    "typed FP16": (
        build(fp32_contents=[0] * 1568, datatype="FP16"),
        INVALID,
        "malformed_request",
        "FP16 came in contents, expected it in raw_input_contents",
    ),
    "BOOL": (build(bool_contents=[True] * 1568, datatype="BOOL"), INVALID, "malformed_request", "'BOOL', expected"),
    "two raw for one": (
        pb.ModelInferRequest(
            model_name="digits", inputs=build(raw=b"").inputs, raw_input_contents=[IMAGES.tobytes()] * 2
        ),
        INVALID,
        "malformed_request",
        "2 raw_input_contents came for 1 inputs",
    ),
    "raw and typed": (
        build(raw=IMAGES.tobytes(), uint_contents=PIXELS),
        INVALID,
        "malformed_request",
        "contents beside raw_input_contents",
    ),
    "raw of another size": (build(raw=IMAGES.tobytes()[1:]), INVALID, "malformed_request", "1567 elements came"),
    "fewer files": (build(bytes_contents=PNGS, datatype="BYTES", shape=(3,)), INVALID, "malformed_request", "2 elem"),
    "many files": (
        build(bytes_contents=[b""] * 301, datatype="BYTES", shape=(3,)),
        INVALID,
        "too_large",
        "301 images came, the limit is 300",
    ),
    "nine dimensions": (build(raw=b"", shape=(1,) * 9), INVALID, "malformed_request", "9 dimensions came, the limit"),
    "negative shape": (build(raw=b"", shape=(-1, 28, 28)), INVALID, "malformed_request", "shape is [-1, 28, 28]"),
    "wrong input": (build(raw=IMAGES.tobytes(), name="x"), INVALID, "malformed_request", "encode has images"),
    "unknown output": (build(raw=IMAGES.tobytes(), outputs=["x"]), INVALID, "malformed_request", "'x' is unknown"),
    "parameter of another type": (
        build(raw=IMAGES.tobytes(), parameters={"preprocess": pb.InferParameter(int64_param=1)}),
        INVALID,
        "malformed_request",
        "parameters.preprocess is an integer (1), expected a string",
    ),
    "no image": (build(bytes_contents=[b"x"], datatype="BYTES", shape=(1,)), INVALID, "invalid_image", "image 0"),
    "other picture": (build(raw=bytes(4), shape=(1, 2, 2)), INVALID, "invalid_image", "(1, 2, 2)"),
    "wide code": (
        build(model="digits-decode", name="codes", datatype="FP32", shape=(1, 5), fp32_contents=[0] * 5),
        INVALID,
        "invalid_code",
        "(1, 5)",
    ),
    "301 rows": (build(raw=bytes(301 * 784), shape=(301, 784)), INVALID, "too_large", "301 rows came"),
    "unknown model": (build(model="x", raw=b""), NOT_FOUND, "not_found", "there is no model 'x'"),
    "unknown version": (build(version="9", raw=IMAGES.tobytes()), NOT_FOUND, "not_found", "9"),
    "unknown label": (build(version="x", raw=IMAGES.tobytes()), NOT_FOUND, "not_found", "x"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusals(stub: Any, name: str) -> None:
    """The code of design.md's table, its reason as ErrorInfo, and a text that helps."""
    request, code, reason, part = REFUSALS[name]
    error = await refuse(stub, request)

    assert (code, reason) == (error.code(), read_reason(error))
    assert part in (error.details() or "")


@pytest.mark.parametrize(
    ("failure", "code", "reason"),
    [
        (BackendError("the model failed"), grpc.StatusCode.INTERNAL, "backend_failed"),
        (OverloadedError("100 rows wait"), grpc.StatusCode.RESOURCE_EXHAUSTED, "overloaded"),
        (ValueError("secret"), grpc.StatusCode.INTERNAL, "backend_failed"),
    ],
)
async def test_failures_of_ours(
    stub: Any, backend: FakeBackend, failure: Exception, code: grpc.StatusCode, reason: str
) -> None:
    """An unknown exception's text stays in the log."""
    backend.failure = failure
    error = await refuse(stub, build(raw=IMAGES.tobytes()))

    assert (code, reason) == (error.code(), read_reason(error))
    assert "secret" not in (error.details() or "")


async def test_one_line_a_call(stub: Any, log: LineLog) -> None:
    """It names door, signature, rows and version."""
    await stub.ModelInfer(build(raw=IMAGES.tobytes()))

    expected = {"door": "oip-grpc", "operation": "encode", "status": "OK", "rows": 2, "version": 2, "reason": None}
    assert expected.items() <= log.lines[0][2].items()


async def test_health(stub: Any, backend: FakeBackend) -> None:
    """Not being ready is an answer, not an error; a stranger is not found."""
    assert (await stub.ServerLive(pb.ServerLiveRequest())).live
    assert (await stub.ServerReady(pb.ServerReadyRequest())).ready
    assert (await stub.ModelReady(pb.ModelReadyRequest(name="digits", version="stable"))).ready
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ModelReady(pb.ModelReadyRequest(name="x"))
    assert NOT_FOUND == caught.value.code()

    backend.versions = []
    assert not (await stub.ServerReady(pb.ServerReadyRequest())).ready
    assert not (await stub.ModelReady(pb.ModelReadyRequest(name="digits"))).ready


async def test_metadata(stub: Any) -> None:
    """The same words as over REST."""
    server = await stub.ServerMetadata(pb.ServerMetadataRequest())
    model = await stub.ModelMetadata(pb.ModelMetadataRequest(name="digits-encode"))

    assert ("digitcodec", __version__) == (server.name, server.version)
    assert "binary_tensor_data" in server.extensions
    assert (["2", "1"], "tensorflow_savedmodel") == (list(model.versions), model.platform)
    assert ("images", "UINT8", [-1, 28, 28]) == (
        model.inputs[0].name,
        model.inputs[0].datatype,
        list(model.inputs[0].shape),
    )
    assert [-1, CODE_DIM] == list(model.outputs[0].shape)


async def test_index(stub: Any) -> None:
    """Every version of every model."""
    index = await stub.RepositoryIndex(pb.RepositoryIndexRequest(ready=True))

    assert 8 == len(index.models)
    assert ("digits", "2", "READY") == (index.models[0].name, index.models[0].version, index.models[0].state)


async def test_name_of_the_service() -> None:
    """Health and reflection need it."""
    names: list[str] = []
    context = build_context()
    async with open_channel(
        lambda server: names.append(add_inference_service(server, context, CallTracker()))
    ) as channel:
        await GRPCInferenceServiceStub(channel).ServerLive(pb.ServerLiveRequest())

    assert ["inference.GRPCInferenceService"] == names


class Unreadable:
    """Files that can be counted, and nothing else."""

    def __len__(self) -> int:
        """More than a request may have."""
        return 301

    def __iter__(self) -> Any:
        """Not to be done."""
        raise AssertionError("the files were looked at")


def test_files_are_counted_before_they_are_looked_at() -> None:
    """Millions of empty ones cost nothing."""
    contents: Any = SimpleNamespace(bytes_contents=Unreadable())
    with pytest.raises(PayloadTooLargeError, match="301 images came, the limit is 300"):
        count_bytes(contents, 300)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3), max_size=10),
    datatype=st.sampled_from(["UINT8", "FP16", "FP32", "INT64", "BYTES", "BOOL", ""]),
    raw=st.none() | st.binary(max_size=64),
    values=st.lists(st.integers(0, 2**32 - 1), max_size=9),
)
async def test_random_requests_are_never_our_failure(
    stub: Any, shape: list[int], datatype: str, raw: bytes | None, values: list[int]
) -> None:
    """Whatever comes, it is the caller's mistake."""
    error = await refuse(stub, build(shape=shape, datatype=datatype, raw=raw, uint_contents=values))

    assert INVALID == error.code()
