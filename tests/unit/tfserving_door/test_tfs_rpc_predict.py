"""Predict over gRPC: what comes back for which signature, output filter, version and form of tensor."""

from typing import Any

import grpc
import numpy as np
import pytest
from support.fakes import (
    FakeBackend,
    HeldBackend,
    count_images,
    fake_codes,
    fake_errors,
    fake_pictures,
    fake_reconstructions,
    fake_scores,
)
from support.http_door import CountingExecutor, LineLog, build_context
from support.tfserving_door import StagedBackend, build_predict, open_rpc

from service.wire.tensorflow_serving import PREDICT, TensorProto
from service.wire.tensors import parse_tensor

IMAGES = count_images(3)
CODES = fake_codes(IMAGES)
RECONSTRUCTED = {
    "reconstructions": fake_reconstructions(IMAGES),
    "codes": CODES,
    "errors": fake_errors(IMAGES),
    "anomaly_scores": fake_scores(IMAGES),
}


@pytest.mark.parametrize(
    ("signature", "effective"),
    [("", "serving_default"), ("serving_default", "serving_default"), ("reconstruct", "reconstruct")],
)
async def test_default_signature_reconstructs(signature: str, effective: str) -> None:
    """An empty name and `serving_default` mean reconstruct; every output comes back, and the effective name."""
    async with open_rpc(build_context(FakeBackend(3))) as client:
        response = await client.call(PREDICT, build_predict({"images": IMAGES}, signature=signature))

    spec = response.model_spec
    assert ("digits", 3, effective) == (spec.name, spec.version.value, spec.signature_name)
    assert RECONSTRUCTED.keys() == set(response.outputs)
    for name, expected in RECONSTRUCTED.items():
        np.testing.assert_array_equal(expected, parse_tensor(response.outputs[name]))


async def test_encode_and_decode_answer_their_one_output() -> None:
    """The other two signatures, each with its own input."""
    async with open_rpc(build_context()) as client:
        encoded = await client.call(PREDICT, build_predict({"images": IMAGES}, signature="encode"))
        decoded = await client.call(PREDICT, build_predict({"codes": CODES}, signature="decode"))

    np.testing.assert_array_equal(CODES, parse_tensor(encoded.outputs["codes"]))
    np.testing.assert_array_equal(fake_pictures(CODES), parse_tensor(decoded.outputs["images"]))


@pytest.mark.parametrize("wanted", [("errors",), ("codes", "errors"), ("reconstructions",), ("anomaly_scores",)])
async def test_output_filter_chooses(wanted: tuple[str, ...]) -> None:
    """Only what the filter names is sent."""
    async with open_rpc(build_context()) as client:
        response = await client.call(PREDICT, build_predict({"images": IMAGES}, *wanted))

    assert set(wanted) == set(response.outputs)
    for name in wanted:
        np.testing.assert_array_equal(RECONSTRUCTED[name], parse_tensor(response.outputs[name]))


async def test_filter_without_pictures_makes_the_backend_draw_none() -> None:
    """The cheap set of outputs is asked for where it is enough."""
    backend = FakeBackend()
    async with open_rpc(build_context(backend)) as client:
        await client.call(PREDICT, build_predict({"images": IMAGES}, "errors"))

    assert ("errors", "anomaly_scores") == backend.batches[0][0].outputs


@pytest.mark.parametrize("packed", [False, True])
async def test_both_forms_of_tensors_are_taken_and_one_is_answered(packed: bool) -> None:  # noqa: FBT001 - a test's parameter
    """Typed fields by default, tensor_content if so set; a request may have either."""
    async with open_rpc(build_context(), packed_tensors=packed) as client:
        for sent_packed in (False, True):
            request = build_predict({"images": IMAGES}, "reconstructions", "errors", packed=sent_packed)
            outputs = (await client.call(PREDICT, request)).outputs
            pictures, errors = outputs["reconstructions"], outputs["errors"]
            np.testing.assert_array_equal(RECONSTRUCTED["reconstructions"], parse_tensor(pictures))
            np.testing.assert_array_equal(RECONSTRUCTED["errors"], parse_tensor(errors))

            assert (packed, not packed) == (bool(pictures.tensor_content), bool(pictures.int_val))
            assert (packed, not packed) == (bool(errors.tensor_content), bool(errors.float_val))


async def test_last_value_of_a_short_typed_field_is_repeated() -> None:
    """As tensor.proto says: a blank image is one zero."""
    tensor = TensorProto(dtype=4, int_val=[0])
    for size in (2, 28, 28):
        tensor.tensor_shape.dim.add(size=size)
    async with open_rpc(build_context()) as client:
        response = await client.call(PREDICT, build_predict({"images": tensor}, signature="encode"))

    np.testing.assert_array_equal(np.zeros((2, 4), np.float32), parse_tensor(response.outputs["codes"]))


@pytest.mark.parametrize(
    ("spec", "answers"), [({}, 5), ({"version": 2}, 2), ({"label": "stable"}, 2), ({"label": "canary"}, 5)]
)
async def test_version_and_label_choose(spec: dict[str, Any], answers: int) -> None:
    """The response says which version it was."""
    context = build_context(FakeBackend(2, 5, labels={"stable": 2, "canary": 5}))
    async with open_rpc(context) as client:
        response = await client.call(PREDICT, build_predict({"images": IMAGES}, **spec))

    assert answers == response.model_spec.version.value


async def test_label_that_only_the_backend_knows_is_tried() -> None:
    """Behind TensorFlow Serving the labels are that server's."""
    backend = StagedBackend(2, 5)
    backend.secret_labels = {"stable": 2}
    async with open_rpc(build_context(backend)) as client:
        response = await client.call(PREDICT, build_predict({"images": IMAGES}, label="stable"))

    assert 2 == response.model_spec.version.value


@pytest.mark.parametrize("packed", [False, True])
async def test_large_requests_are_read_and_rendered_off_the_loop(packed: bool) -> None:  # noqa: FBT001 - a test's parameter
    """Small ones are not: a thread would cost more than they do."""
    bulk, images = CountingExecutor(), count_images(100)
    async with open_rpc(build_context(bulk=bulk)) as client:
        await client.call(PREDICT, build_predict({"images": images[:5]}, packed=packed))
        assert 0 == bulk.submitted
        response = await client.call(PREDICT, build_predict({"images": images}, packed=packed))

    assert 2 == bulk.submitted
    np.testing.assert_array_equal(fake_codes(images), parse_tensor(response.outputs["codes"]))


async def test_deadline_passes() -> None:
    """The client's own deadline, by its own status."""
    backend = HeldBackend()
    async with open_rpc(build_context(backend)) as client:
        refusal = await _find_code(client.call(PREDICT, build_predict({"images": IMAGES}), timeout=0.05))

    assert "DEADLINE_EXCEEDED" == refusal
    backend.gate.set()


async def _find_code(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code().name


async def test_line_says_door_operation_status_rows_and_version() -> None:
    """The canonical line, with the caller's id and trace handed on."""
    log, backend = LineLog(), FakeBackend(7)
    trace = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    metadata = (("x-request-id", "mine"), ("traceparent", trace))
    async with open_rpc(build_context(backend, log=log)) as client:
        await client.call(PREDICT, build_predict({"images": IMAGES}), metadata=metadata)
        await client.refuse(PREDICT, build_predict({"images": IMAGES}, version=99))

    (level, _, good), (_, _, bad) = log.lines
    shown = ("door", "operation", "status", "reason", "rows", "version", "request_id")
    assert ("info", ["tfs-grpc", "predict", "OK", None, 3, 7, "mine"]) == (level, [good[name] for name in shown])
    assert ["tfs-grpc", "predict", "NOT_FOUND", "not_found", 3, None] == [bad[name] for name in shown[:-1]]
    assert [("mine", trace)] == [(origin.request_id, origin.traceparent) for origin in backend.origins[0]]
