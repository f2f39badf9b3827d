"""What the gRPC door refuses, and how: the code and reason of the error table, and where the fault is."""

from typing import Any

import grpc
import numpy as np
import pytest
from support.fakes import CODE_DIM, HeldBackend, count_images
from support.grpc_door import open_channel, read_details, read_reason
from support.http_door import LineLog, build_context
from support.pictures import bomb_png, ramp

from service.api.grpc import CallTracker, add_codec_service
from service.errors import BackendError, OverloadedError
from service.images import render_png
from service.settings import GrpcSettings, LimitSettings
from service.wire import codec_pb2 as pb
from service.wire.codec_pb2_grpc import CodecStub

PNG = render_png(count_images(1)[0])
GOOD = pb.Images(packed=bytes(784))
INVALID, NOT_FOUND = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND


def files(*contents: bytes) -> pb.Images:
    """Images as files."""
    return pb.Images(files=pb.EncodedFiles(files=contents))


def codes(values: Any, code_dim: int) -> pb.DecodeRequest:
    """A request to decode these numbers."""
    return pb.DecodeRequest(codes=pb.Codes(packed=np.array(values, "<f4").tobytes(), code_dim=code_dim))


# Name: (method, request, code, reason, a word of the detail, the place that BadRequest names)
REFUSALS: dict[str, tuple[str, Any, grpc.StatusCode, str, str, str]] = {
    "no images": ("Encode", pb.EncodeRequest(), INVALID, "malformed_request", "no image", "images"),
    "no file": ("Encode", pb.EncodeRequest(images=files()), INVALID, "malformed_request", "no image", "images"),
    "empty rows": (
        "Encode", pb.EncodeRequest(images=pb.Images(packed=b"")), INVALID, "malformed_request", "empty", "images.packed"
    ),
    "783 bytes": ("Encode", pb.EncodeRequest(images=pb.Images(packed=bytes(783))), INVALID, "invalid_image", "783", ""),
    "text as a file": (
        "Encode", pb.EncodeRequest(images=files(PNG, b"hello")), INVALID, "invalid_image", "text", "images[1]"
    ),
    "27x28": (
        "Score", pb.ScoreRequest(images=files(render_png(ramp(28, 27)))), INVALID, "invalid_image", "27", "images[0]"
    ),
    "bomb": (
        "Score",
        pb.ScoreRequest(images=files(bomb_png()), preprocess=pb.PREPROCESS_MNIST),
        INVALID, "too_large", "20000x20000", "images[0]",
    ),
    "4097 rows": (
        "Encode", pb.EncodeRequest(images=pb.Images(packed=bytes(784 * 4097))), INVALID, "too_large", "4097", ""
    ),
    "4097 files": ("Encode", pb.EncodeRequest(images=files(*[b""] * 4097)), INVALID, "too_large", "4097", ""),
    "version 0": (
        "Encode",
        pb.EncodeRequest(images=GOOD, model=pb.ModelSelector(version=0)),
        INVALID, "malformed_request", "version is 0", "model.version",
    ),
    "empty label": (
        "Encode",
        pb.EncodeRequest(images=GOOD, model=pb.ModelSelector(label="")),
        INVALID, "malformed_request", "label is empty", "model.label",
    ),
    "unknown version": (
        "Encode", pb.EncodeRequest(images=GOOD, model=pb.ModelSelector(version=99)), NOT_FOUND, "not_found", "99", ""
    ),
    "unknown label": (
        "Encode", pb.EncodeRequest(images=GOOD, model=pb.ModelSelector(label="x")), NOT_FOUND, "not_found", "x", ""
    ),
    "unknown preprocess": (
        "Score",
        pb.ScoreRequest(images=GOOD, preprocess=7),  # type: ignore[arg-type]  # open enums take any number
        INVALID, "malformed_request", "preprocess is 7", "preprocess",
    ),
    "threshold above 1": (
        "Score", pb.ScoreRequest(images=GOOD, threshold=1.5), INVALID, "malformed_request", "1.5", "threshold"
    ),
    "threshold nan": (
        "Reconstruct", pb.ReconstructRequest(images=GOOD, threshold=float("nan")),
        INVALID, "malformed_request", "nan", "threshold",
    ),
    "no codes": ("Decode", pb.DecodeRequest(), INVALID, "malformed_request", "empty", "codes.packed"),
    "codes without width": ("Decode", codes([0.0], 0), INVALID, "invalid_code", "code_dim is 0", "codes.code_dim"),
    "codes that are not whole": ("Decode", codes([0.0] * 3, 2), INVALID, "invalid_code", "12 bytes", "codes.packed"),
    "codes of another width": ("Decode", codes([0.0] * 5, 5), INVALID, "invalid_code", "5", ""),
    "codes with nan": ("Decode", codes([0.0, np.nan] * 2, CODE_DIM), INVALID, "invalid_code", "nan", "[0][1]"),
}  # fmt: skip


def find_places(details: dict[str, Any]) -> list[str]:
    """The faulty places that BadRequest names."""
    return [fault.field for fault in details["BadRequest"].field_violations] if "BadRequest" in details else []


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusal_has_its_code_and_reason(stub: Any, log: LineLog, name: str) -> None:
    """The same as over HTTP, with the place of the fault, and one log line."""
    method, request, code, reason, word, place = REFUSALS[name]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(stub, method)(request)
    details = read_details(caught.value)

    assert (code, reason) == (caught.value.code(), details["ErrorInfo"].reason)
    assert "digitcodec" == details["ErrorInfo"].domain
    assert word in (caught.value.details() or "")
    assert ([place] if place else []) == find_places(details)
    assert [(code.name, reason)] == [(fields["status"], fields["reason"]) for _, _, fields in log.lines]


async def test_failing_model_is_told_without_its_secrets(stub: Any, backend: HeldBackend, log: LineLog) -> None:
    """A core error keeps its text; an unknown exception leaves a traceback in the log and nothing to the caller."""
    backend.failure = BackendError("encode failed")
    with pytest.raises(grpc.aio.AioRpcError, match="encode failed") as told:
        await stub.Encode(pb.EncodeRequest(images=GOOD))
    backend.failure = ValueError("the secret is 1234")
    with pytest.raises(grpc.aio.AioRpcError) as hidden:
        await stub.Encode(pb.EncodeRequest(images=GOOD))

    assert [("INTERNAL", "backend_failed")] * 2 == [
        (each.value.code().name, read_reason(each.value)) for each in (told, hidden)
    ]
    assert "1234" not in (hidden.value.details() or "")
    assert ["error", "error"] == [level for level, _, _ in log.lines]
    assert "exc_info" in log.lines[1][2]


async def test_retry_info_says_when_to_come_back(stub: Any, backend: HeldBackend) -> None:
    """As Retry-After does over HTTP."""
    backend.failure = OverloadedError("full")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Encode(pb.EncodeRequest(images=GOOD))

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
    assert 1 == read_details(caught.value)["RetryInfo"].retry_delay.seconds


async def test_loading_model_is_unavailable(stub: Any, backend: HeldBackend) -> None:
    """Until the first version answers."""
    backend.versions.clear()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Encode(pb.EncodeRequest(images=GOOD))

    assert (grpc.StatusCode.UNAVAILABLE, "not_ready") == (caught.value.code(), read_reason(caught.value))


async def test_message_above_the_limit_is_refused(backend: HeldBackend) -> None:
    """By the server itself, before a byte of it is parsed."""
    context = build_context(backend)
    settings = GrpcSettings(max_message_bytes=4096)
    async with open_channel(
        lambda server: add_codec_service(server, context, CallTracker(), stream_rows=4), settings
    ) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await CodecStub(channel).Encode(pb.EncodeRequest(images=pb.Images(packed=bytes(784 * 8))))

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
    assert not backend.batches


async def test_many_faults_fit_into_metadata(backend: HeldBackend) -> None:
    """A thousand bad files are told by the first sixteen, within what clients take."""
    context = build_context(backend, limits=LimitSettings())
    async with open_channel(lambda server: add_codec_service(server, context, CallTracker(), stream_rows=4)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await CodecStub(channel).Encode(pb.EncodeRequest(images=files(*[b"x" * 300] * 1000)))

    assert 16 == len(read_details(caught.value)["BadRequest"].field_violations)
