"""Every failure of a call: TensorFlow Serving's code and text, and our reason beside them."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from support.fakes import CODE_DIM, FakeBackend, HeldBackend, count_images
from support.http_door import LineLog, build_codec, build_context
from support.tfserving_door import Refusal, StagedBackend, build_predict, build_spec, open_rpc

from service.api.tfserving.inputs import find_tensor, measure
from service.domain import VersionStatus
from service.errors import BackendContractError, BackendError, DigitCodecError, MalformedRequestError
from service.settings import LimitSettings
from service.wire import tensorflow_serving as wire

IMAGES = count_images(2)
GOOD = {"images": IMAGES}
LIMITS = LimitSettings(max_rows=100, max_body_bytes=100_000)


def shaped(*shape: int, dtype: int = 4, **fields: Any) -> Any:
    """A TensorProto as a careless client makes it."""
    tensor = wire.TensorProto(dtype=dtype, **fields)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def unknown_rank() -> Any:
    """A TensorProto without a shape."""
    tensor = wire.TensorProto(dtype=4, int_val=[1])
    tensor.tensor_shape.unknown_rank = True
    return tensor


SIZE = "input size does not match signature: "
PREDICTS: dict[str, tuple[Any, Refusal]] = {
    "no model_spec": (
        wire.PredictRequest(),
        Refusal("INVALID_ARGUMENT", "Missing ModelSpec", "malformed_request"),
    ),
    "empty name": (
        build_predict(GOOD, name=""),
        Refusal("INVALID_ARGUMENT", "ModelSpec has no name specified.", "malformed_request"),
    ),
    "unknown model": (
        build_predict(GOOD, name="foo"),
        Refusal("NOT_FOUND", "Servable not found for request: Latest(foo)", "not_found"),
    ),
    "unknown model with version": (
        build_predict(GOOD, name="foo", version=99),
        Refusal("NOT_FOUND", "Servable not found for request: Specific(foo, 99)", "not_found"),
    ),
    "unknown model with label": (
        build_predict(GOOD, name="foo", label="stable"),
        Refusal("INVALID_ARGUMENT", "Unrecognized servable version label: stable", "not_found"),
    ),
    "unknown version": (
        build_predict(GOOD, version=99),
        Refusal("NOT_FOUND", "Servable not found for request: Specific(digits, 99)", "not_found"),
    ),
    "unknown label": (
        build_predict(GOOD, label="X"),
        Refusal("INVALID_ARGUMENT", "Unrecognized servable version label: X", "not_found"),
    ),
    "unknown signature": (
        build_predict(GOOD, signature="X"),
        Refusal("FAILED_PRECONDITION", 'Serving signature key "X" not found.', "not_found"),
    ),
    "no input": (
        build_predict({}),
        Refusal(
            "INVALID_ARGUMENT",
            f"{SIZE}0!=1 len({{}}) != len({{images}}). Sent extra: {{}}. Missing but required: {{images}}.",
            "malformed_request",
        ),
    ),
    "another input": (
        build_predict({"codes": IMAGES}),
        Refusal(
            "INVALID_ARGUMENT",
            f"{SIZE}1!=1 len({{codes}}) != len({{images}}). Sent extra: {{codes}}. Missing but required: {{images}}.",
            "malformed_request",
        ),
    ),
    "two inputs": (
        build_predict({"images": IMAGES, "a": IMAGES}),
        Refusal(
            "INVALID_ARGUMENT",
            f"{SIZE}2!=1 len({{a,images}}) != len({{images}}). Sent extra: {{a}}. Missing but required: {{}}.",
            "malformed_request",
        ),
    ),
    "content too short": (
        build_predict({"images": shaped(1, 28, 28, tensor_content=b"123")}),
        Refusal("INVALID_ARGUMENT", "tensor parsing error: images", "malformed_request"),
    ),
    "no values": (
        build_predict({"codes": shaped(1, 4, dtype=1)}, signature="decode"),
        Refusal("INVALID_ARGUMENT", "tensor parsing error: codes", "malformed_request"),
    ),
    "negative size": (
        build_predict({"images": shaped(-1, 28, 28, int_val=[1])}),
        Refusal("INVALID_ARGUMENT", "tensor parsing error: images", "malformed_request"),
    ),
    "nine dimensions": (
        build_predict({"images": shaped(*[2**62] * 9, int_val=[1])}),
        Refusal("INVALID_ARGUMENT", "tensor parsing error: images", "malformed_request"),
    ),
    "a product that cannot be printed": (
        build_predict({"images": shaped(*[2**62] * 240, int_val=[1])}),
        Refusal("INVALID_ARGUMENT", "tensor parsing error: images", "malformed_request"),
    ),
    "a product that can": (
        build_predict({"images": shaped(*[2**62] * 8, int_val=[1])}),
        Refusal("INVALID_ARGUMENT", f"images of {2**496} bytes came, the limit is 100000", "too_large"),
    ),
    "no rank": (
        build_predict({"images": unknown_rank()}),
        Refusal("INVALID_ARGUMENT", "tensor parsing error: images", "malformed_request"),
    ),
    "impossible shape without elements": (
        build_predict({"images": shaped(0, 2**62, 2**62)}),
        Refusal("INVALID_ARGUMENT", "tensor parsing error: images", "malformed_request"),
    ),
    "pixel out of range": (
        build_predict({"images": shaped(1, 28, 28, int_val=[256])}),
        Refusal("INVALID_ARGUMENT", "tensor parsing error: images", "malformed_request"),
    ),
    "images of another type": (
        build_predict({"images": IMAGES.astype(np.float32)}),
        Refusal("INVALID_ARGUMENT", "images of type float32 came, expected uint8", "invalid_image"),
    ),
    "images as strings": (
        build_predict({"images": shaped(1, dtype=7, string_val=[b"png"])}),
        Refusal("INVALID_ARGUMENT", "images of type string came, expected uint8", "invalid_image"),
    ),
    "images of another shape": (
        build_predict({"images": IMAGES.reshape(2, 784)}),
        Refusal("INVALID_ARGUMENT", "images of shape (2, 784) came, expected (n, 28, 28)", "invalid_image"),
    ),
    "one image without its batch": (
        build_predict({"images": IMAGES[0]}),
        Refusal("INVALID_ARGUMENT", "images of shape (28, 28) came, expected (n, 28, 28)", "invalid_image"),
    ),
    "codes of another type": (
        build_predict({"codes": np.zeros((1, CODE_DIM))}, signature="decode"),
        Refusal("INVALID_ARGUMENT", "codes of type float64 came, expected float32", "invalid_code"),
    ),
    "codes of another rank": (
        build_predict({"codes": np.zeros(CODE_DIM, np.float32)}, signature="decode"),
        Refusal("INVALID_ARGUMENT", "codes of shape (4,) came, expected (n, code_dim)", "invalid_code"),
    ),
    "codes of another width": (
        build_predict({"codes": np.zeros((1, 5), np.float32)}, signature="decode"),
        Refusal("INVALID_ARGUMENT", "codes of shape (1, 5) came, expected (n, 4)", "invalid_code"),
    ),
    "code that is not finite": (
        build_predict({"codes": np.array([[0, 0, np.nan, 0]], np.float32)}, signature="decode"),
        Refusal("INVALID_ARGUMENT", "row 0, column 2: got nan, expected a finite float32", "invalid_code"),
    ),
    "no image": (
        build_predict({"images": IMAGES[:0]}),
        Refusal("INVALID_ARGUMENT", "images without a row came, expected at least one", "malformed_request"),
    ),
    "no code": (
        build_predict({"codes": np.zeros((0, 4), np.float32)}, signature="decode"),
        Refusal("INVALID_ARGUMENT", "codes without a row came, expected at least one", "malformed_request"),
    ),
    "too many rows": (
        build_predict({"images": count_images(101)}),
        Refusal("INVALID_ARGUMENT", "101 rows came, the limit is 100", "too_large"),
    ),
    "one value that is to be repeated for ever": (
        build_predict({"codes": shaped(1, 10**9, dtype=1, float_val=[0])}, signature="decode"),
        Refusal("INVALID_ARGUMENT", "codes of 4000000000 bytes came, the limit is 100000", "too_large"),
    ),
    "unknown output": (
        build_predict(GOOD, "codes", "X"),
        Refusal(
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: X Outputs expected to be in the set "
            "{anomaly_scores,codes,errors,reconstructions}.",
            "malformed_request",
        ),
    ),
    "repeated output": (
        build_predict(GOOD, "codes", "errors", "codes"),
        Refusal("INVALID_ARGUMENT", "duplicate output tensor alias: codes", "malformed_request"),
    ),
}


@pytest.mark.parametrize("case", PREDICTS)
async def test_predict_refuses(case: str) -> None:
    """One case of the table; the backend never sees it."""
    request, expected = PREDICTS[case]
    async with open_rpc(build_context(FakeBackend(1, 2, labels={"stable": 1}), limits=LIMITS)) as client:
        assert expected == await client.refuse(wire.PREDICT, request)


def test_dimensions_are_counted_before_they_are_multiplied() -> None:
    """A message of a megabyte must not hold up everybody else."""
    tensor = shaped(*[2**62] * 100_000, int_val=[1])
    began_s = time.perf_counter()
    with pytest.raises(MalformedRequestError, match=r"^tensor parsing error: images$"):
        measure(tensor, "images", 2**20)

    assert time.perf_counter() - began_s < 0.1


class CountedNames(dict[str, Any]):
    """Inputs that count how many of their names were looked at."""

    looked = 0

    def __iter__(self) -> Iterator[str]:
        """Each name once."""
        for name in super().__iter__():
            self.looked += 1
            yield name


def test_a_few_of_many_inputs_are_named() -> None:
    """A million names are neither sorted nor written down."""
    inputs = CountedNames({f"input {number:02}": IMAGES for number in range(50)})
    with pytest.raises(MalformedRequestError) as caught:
        find_tensor(inputs, "encode")

    shown = ",".join(f"input {number:02}" for number in range(8))
    text = (
        f"{SIZE}50!=1 len({{{shown}}}) != len({{images}}). Sent extra: {{{shown}}}. Missing but required: {{images}}."
    )
    assert (text, 8) == (caught.value.detail, inputs.looked)


async def test_label_of_a_version_that_does_not_answer() -> None:
    """The label is known, so that it is the version that is not found."""
    backend = StagedBackend(2)
    backend.others = [VersionStatus(3, "END", error="is damaged", labels=("canary",))]
    async with open_rpc(build_context(backend)) as client:
        by_label = await client.refuse(wire.PREDICT, build_predict(GOOD, label="canary"))
        metadata = await client.refuse(wire.GET_MODEL_METADATA, ask_metadata(label="canary"))

    assert Refusal("NOT_FOUND", "Servable not found for request: Specific(digits, 3)", "not_found") == by_label
    assert by_label == metadata


async def test_before_the_first_version() -> None:
    """Nothing is loaded: by label TensorFlow Serving's own text, else ours."""
    backend = FakeBackend()
    backend.versions.clear()
    async with open_rpc(build_context(backend)) as client:
        by_label = await client.refuse(wire.PREDICT, build_predict(GOOD, label="stable"))
        newest = await client.refuse(wire.PREDICT, build_predict(GOOD))
        metadata = await client.refuse(wire.GET_MODEL_METADATA, ask_metadata())

    assert Refusal("UNAVAILABLE", "Model labels does not init yet.", "not_ready") == by_label
    assert Refusal("UNAVAILABLE", "no version can answer yet", "not_ready") == newest
    assert ("UNAVAILABLE", "not_ready") == (metadata.code, metadata.reason)


async def test_label_while_the_backend_is_away() -> None:
    """Once there were labels, the text for their absence would be wrong."""
    backend = FakeBackend(labels={"stable": 1})
    context = build_context(backend)
    assert context.codec.has_started()
    backend.versions.clear()
    async with open_rpc(context) as client:
        refusal = await client.refuse(wire.PREDICT, build_predict(GOOD, label="stable"))

    assert Refusal("UNAVAILABLE", "no version can answer yet", "not_ready") == refusal


async def test_full_queue() -> None:
    """TensorFlow Serving's own code and text for it, not the other doors'."""
    backend = HeldBackend()
    context = build_context(backend, codec=build_codec(backend, max_queue_rows=1))
    async with open_rpc(context) as client:
        first = asyncio.create_task(client.call(wire.PREDICT, build_predict({"images": IMAGES[:1]})))
        await backend.wait_for_batches(1)
        refusal = await client.refuse(wire.PREDICT, build_predict(GOOD))
        backend.gate.set()
        await first

    text = "The batch scheduling queue to which this task was submitted is full"
    assert Refusal("UNAVAILABLE", text, "overloaded") == refusal


@pytest.mark.parametrize(
    ("failure", "text", "reason"),
    [
        (BackendError("broke"), "broke", "backend_failed"),
        (BackendContractError("lied"), "lied", "backend_contract"),
        (ValueError("secret"), "the backend failed with ValueError", "backend_failed"),
    ],
)
async def test_backend_failures_are_internal(failure: Exception, text: str, reason: str) -> None:
    """What the model did is nobody's fault outside, and the log has its traceback."""
    backend, log = FakeBackend(), LineLog()
    backend.failure = failure
    async with open_rpc(build_context(backend, log=log)) as client:
        assert Refusal("INTERNAL", text, reason) == await client.refuse(wire.PREDICT, build_predict(GOOD))

    assert "error" == log.lines[0][0]


async def test_unknown_exception_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text is for the log alone."""
    log = LineLog()
    context = build_context(log=log)

    def fail() -> list[Any]:
        raise RuntimeError("secret")

    monkeypatch.setattr(context.codec, "describe", fail)
    async with open_rpc(context) as client:
        refusal = await client.refuse(wire.GET_MODEL_STATUS, wire.GetModelStatusRequest(model_spec=build_spec()))

    assert ("INTERNAL", DigitCodecError.reason) == (refusal.code, refusal.reason)
    assert "secret" not in refusal.text
    assert isinstance(log.lines[0][2]["exc_info"], RuntimeError)


def ask_metadata(*fields: str, **spec: Any) -> Any:
    """A GetModelMetadataRequest, for signatures unless told otherwise."""
    return wire.GetModelMetadataRequest(model_spec=build_spec(**spec), metadata_field=fields or ["signature_def"])


METADATA: dict[str, tuple[Any, Refusal]] = {
    "no model_spec": (
        wire.GetModelMetadataRequest(metadata_field=["signature_def"]),
        Refusal("INVALID_ARGUMENT", "Missing ModelSpec", "malformed_request"),
    ),
    "no field": (
        wire.GetModelMetadataRequest(model_spec=build_spec()),
        Refusal(
            "INVALID_ARGUMENT",
            "GetModelMetadataRequest must specify at least one metadata_field",
            "malformed_request",
        ),
    ),
    "unknown field": (
        ask_metadata("signature_def", "X"),
        Refusal("INVALID_ARGUMENT", "Metadata field X is not supported", "malformed_request"),
    ),
    "empty name": (
        ask_metadata(name=""),
        Refusal("INVALID_ARGUMENT", "ModelSpec has no name specified.", "malformed_request"),
    ),
    "unknown model": (
        ask_metadata(name="foo"),
        Refusal("NOT_FOUND", "Servable not found for request: Latest(foo)", "not_found"),
    ),
    "unknown version": (
        ask_metadata(version=99),
        Refusal("NOT_FOUND", "Servable not found for request: Specific(digits, 99)", "not_found"),
    ),
    "unknown label": (
        ask_metadata(label="X"),
        Refusal("INVALID_ARGUMENT", "Unrecognized servable version label: X", "not_found"),
    ),
}


@pytest.mark.parametrize("case", METADATA)
async def test_metadata_refuses(case: str) -> None:
    """One case of the table."""
    request, expected = METADATA[case]
    async with open_rpc(build_context()) as client:
        assert expected == await client.refuse(wire.GET_MODEL_METADATA, request)


STATUSES: dict[str, tuple[Any, Refusal]] = {
    "no model_spec": (
        wire.GetModelStatusRequest(),
        Refusal("INVALID_ARGUMENT", "Missing ModelSpec", "malformed_request"),
    ),
    "unknown model": (
        wire.GetModelStatusRequest(model_spec=build_spec("X")),
        Refusal("NOT_FOUND", "Could not find any versions of model X", "not_found"),
    ),
    "unknown version": (
        wire.GetModelStatusRequest(model_spec=build_spec(version=9)),
        Refusal("NOT_FOUND", "Could not find version 9 of model digits", "not_found"),
    ),
}


@pytest.mark.parametrize("case", STATUSES)
async def test_status_refuses(case: str) -> None:
    """One case of the table."""
    request, expected = STATUSES[case]
    async with open_rpc(build_context()) as client:
        assert expected == await client.refuse(wire.GET_MODEL_STATUS, request)


@pytest.mark.parametrize("method", ["Classify", "Regress", "MultiInference"])
async def test_methods_for_other_models_are_not_there(method: str) -> None:
    """This model neither classifies nor regresses."""
    async with open_rpc(build_context()) as client:
        assert "UNIMPLEMENTED" == await client.call_unknown(f"/tensorflow.serving.PredictionService/{method}")
