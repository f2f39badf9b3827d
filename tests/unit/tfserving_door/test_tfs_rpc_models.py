"""GetModelStatus, GetModelMetadata and HandleReloadConfigRequest: what they tell and change."""

from typing import Any

import pytest
from support.fakes import FAKE_SIGNATURES, NO_VERSION, FakeBackend, count_images
from support.http_door import build_context
from support.tfserving_door import Refusal, StagedBackend, build_predict, build_spec, open_rpc

from service.domain import VersionStatus
from service.wire import tensorflow_serving as wire
from service.wire.tensors import describe_type


def staged() -> StagedBackend:
    """Versions in every state; 2 and 4 answer."""
    backend = StagedBackend(2, 4, labels={"stable": 2})
    backend.others = [
        VersionStatus(1, "END"),
        VersionStatus(3, "END", error="is damaged"),
        VersionStatus(5, "UNLOADING"),
        VersionStatus(6, "LOADING"),
    ]
    return backend


@pytest.mark.parametrize("spec", [{}, {"label": "stable"}, {"label": "nonsense"}])
async def test_status_tells_of_every_version(spec: dict[str, Any]) -> None:
    """Newest first, each with its state; a label is ignored, as TensorFlow Serving does."""
    async with open_rpc(build_context(staged())) as client:
        response = await client.call(wire.GET_MODEL_STATUS, wire.GetModelStatusRequest(model_spec=build_spec(**spec)))

    told = [(each.version, each.state, each.status.error_code) for each in response.model_version_status]
    assert [(6, 20, 0), (5, 40, 0), (4, 30, 0), (3, 50, 2), (2, 30, 0), (1, 50, 0)] == told
    assert "is damaged" == response.model_version_status[3].status.error_message
    assert all(each.HasField("status") for each in response.model_version_status)


async def test_status_says_why_a_version_does_not_answer() -> None:
    """UNAVAILABLE while it may come back, UNKNOWN once it has failed, and nothing of one that answers."""
    backend = StagedBackend(1)
    backend.others = [
        VersionStatus(2, "LOADING", error="the server is away"),
        VersionStatus(3, "AVAILABLE", error="was slow"),
        VersionStatus(4, "END", error="is damaged"),
    ]
    async with open_rpc(build_context(backend)) as client:
        response = await client.call(wire.GET_MODEL_STATUS, wire.GetModelStatusRequest(model_spec=build_spec()))

    told = [(each.status.error_code, each.status.error_message) for each in response.model_version_status]
    assert [(2, "is damaged"), (0, ""), (14, "the server is away"), (0, "")] == told


async def test_status_of_one_version() -> None:
    """Only that one."""
    request = wire.GetModelStatusRequest(model_spec=build_spec(version=3))
    async with open_rpc(build_context(staged())) as client:
        response = await client.call(wire.GET_MODEL_STATUS, request)

    assert [3] == [each.version for each in response.model_version_status]


def ask(**spec: Any) -> Any:
    """A GetModelMetadataRequest."""
    return wire.GetModelMetadataRequest(model_spec=build_spec(**spec), metadata_field=["signature_def"])


def unpack(response: Any) -> Any:
    """The signatures in a response."""
    definitions = wire.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(definitions)
    return definitions.signature_def


def describe(tensors: Any) -> dict[str, Any]:
    """TensorInfos as backends describe them."""
    return {
        name: {"dtype": describe_type(info.dtype), "shape": [dim.size for dim in info.tensor_shape.dim]}
        for name, info in tensors.items()
    }


async def test_metadata_holds_every_signature() -> None:
    """Types, shapes and method names; serving_default is reconstruct."""
    async with open_rpc(build_context(FakeBackend(3))) as client:
        response = await client.call(wire.GET_MODEL_METADATA, ask())

    signatures = unpack(response)
    assert ("digits", 3) == (response.model_spec.name, response.model_spec.version.value)
    assert {"tensorflow/serving/predict"} == {signature.method_name for signature in signatures.values()}
    assert {**FAKE_SIGNATURES, "serving_default": FAKE_SIGNATURES["reconstruct"]} == {
        name: {"inputs": describe(signature.inputs), "outputs": describe(signature.outputs)}
        for name, signature in signatures.items()
    }


async def test_metadata_of_a_version_whose_signatures_are_unknown() -> None:
    """There is nothing to tell, so nothing is made up."""
    backend = StagedBackend(1)
    backend.others = [VersionStatus(9, "AVAILABLE")]
    async with open_rpc(build_context(backend)) as client:
        assert {} == dict(unpack(await client.call(wire.GET_MODEL_METADATA, ask())))


async def test_metadata_keeps_what_the_model_has_of_its_own() -> None:
    """Names of tensors, a default of its own, and types that no other signature has."""
    strings, odd = {"dtype": "string", "shape": [-1], "name": "in:0"}, {"dtype": "complex999", "shape": []}
    backend = StagedBackend(1)
    signatures = {"serving_default": {"inputs": {"files": strings}, "outputs": {"odd": odd}}}
    backend.others = [VersionStatus(9, "AVAILABLE", signatures={**FAKE_SIGNATURES, **signatures})]
    async with open_rpc(build_context(backend)) as client:
        default = unpack(await client.call(wire.GET_MODEL_METADATA, ask(version=9)))["serving_default"]

    assert ("in:0", 7, 0) == (default.inputs["files"].name, default.inputs["files"].dtype, default.outputs["odd"].dtype)


@pytest.mark.parametrize(("spec", "number"), [({}, 4), ({"version": 2}, 2), ({"label": "stable"}, 2)])
async def test_metadata_of_the_version_that_is_meant(spec: dict[str, Any], number: int) -> None:
    """The newest that answers, or the one chosen."""
    async with open_rpc(build_context(staged())) as client:
        response = await client.call(wire.GET_MODEL_METADATA, ask(**spec))

    assert number == response.model_spec.version.value


async def test_metadata_by_a_label_that_only_the_backend_knows() -> None:
    """The version behind it is found by asking for something small."""
    backend = staged()
    backend.secret_labels = {"canary": 4}
    async with open_rpc(build_context(backend)) as client:
        response = await client.call(wire.GET_MODEL_METADATA, ask(label="canary"))

    assert 4 == response.model_spec.version.value
    assert [1] == backend.batch_sizes


@pytest.mark.parametrize(
    ("version", "code"), [(1, "NOT_FOUND"), (3, "NOT_FOUND"), (5, "NOT_FOUND"), (6, "UNAVAILABLE"), (7, "NOT_FOUND")]
)
async def test_metadata_of_a_version_that_does_not_answer(version: int, code: str) -> None:
    """What is gone is not found; what is being loaded may come."""
    async with open_rpc(build_context(staged())) as client:
        refusal = await client.refuse(wire.GET_MODEL_METADATA, ask(version=version))

    assert code == refusal.code
    if code == "NOT_FOUND":
        assert f"Servable not found for request: Specific(digits, {version})" == refusal.text


async def test_metadata_of_what_cannot_answer_says_why() -> None:
    """The service's reason, where nothing can answer."""
    backend = StagedBackend(1)
    backend.versions = []
    async with open_rpc(build_context(backend)) as client:
        refusal = await client.refuse(wire.GET_MODEL_METADATA, ask())

    assert Refusal("UNAVAILABLE", NO_VERSION, "not_ready") == refusal


def reload(labels: dict[str, int], name: str = "digits", platform: str = "tensorflow", **fields: Any) -> Any:
    """A ReloadConfigRequest as clients make it."""
    request = wire.ReloadConfigRequest()
    model = request.config.model_config_list.config.add(
        name=name, base_path="/models/digits", model_platform=platform, **fields
    )
    model.version_labels.update(labels)
    return request


async def test_reload_replaces_all_labels_at_once() -> None:
    """New ones choose, old ones are gone, and the answer is OK."""
    backend, images = staged(), {"images": count_images(1)}
    async with open_rpc(build_context(backend), relabel=backend.assign_labels) as client:
        response = await client.call(wire.HANDLE_RELOAD_CONFIG, reload({"canary": 4, "old": 2}))
        answered = await client.call(wire.PREDICT, build_predict(images, label="canary"))
        refusal = await client.refuse(wire.PREDICT, build_predict(images, label="stable"))

    assert (True, 0) == (response.HasField("status"), response.status.error_code)
    assert 4 == answered.model_spec.version.value
    assert "Unrecognized servable version label: stable" == refusal.text
    assert {"canary": 4, "old": 2} == backend.labels


async def test_reload_without_labels_takes_them_all() -> None:
    """Old clients send the deprecated model_type instead of a platform."""
    backend = staged()
    async with open_rpc(build_context(backend), relabel=backend.assign_labels) as client:
        await client.call(wire.HANDLE_RELOAD_CONFIG, reload({}, platform="", model_type=1))

    assert {} == backend.labels


@pytest.mark.parametrize("version", [3, 6, 99])
async def test_label_of_a_version_that_does_not_answer_changes_nothing(version: int) -> None:
    """Failed, loading or unknown: the good label beside it is not taken either."""
    backend = staged()
    async with open_rpc(build_context(backend), relabel=backend.assign_labels) as client:
        refusal = await client.refuse(wire.HANDLE_RELOAD_CONFIG, reload({"good": 4, "bad": version}))

    text = (
        f"Request to assign label to version {version} of model digits, which is not currently available for inference"
    )
    assert Refusal("FAILED_PRECONDITION", text, "not_found") == refusal
    assert {"stable": 2} == backend.labels


def two_models() -> Any:
    """Ours and another one."""
    request = reload({"stable": 4})
    request.config.model_config_list.config.add(name="foo")
    return request


def many_models() -> Any:
    """More than an error can name."""
    request = reload({"stable": 4})
    for number in range(50):
        request.config.model_config_list.config.add(name=f"m{number}")
    return request


REFUSED: dict[str, tuple[Any, str]] = {
    "another model": (reload({}, name="foo"), "['foo'] came, expected ['digits']"),
    "two models": (two_models(), "['digits', 'foo'] came, expected ['digits']"),
    "many models": (many_models(), "['digits', 'm0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6'] came"),
    "another platform": (reload({}, platform="torch"), "the platform 'torch' came, expected 'tensorflow'"),
    "another type": (reload({}, platform="", model_type=2), "the platform 'OTHER' came, expected 'tensorflow'"),
    "nothing": (wire.ReloadConfigRequest(), "no model_config_list came"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_reload_of_anything_else_says_what_is_possible(case: str) -> None:
    """Models, folders and platforms are settings."""
    request, text = REFUSED[case]
    backend = staged()
    async with open_rpc(build_context(backend), relabel=backend.assign_labels) as client:
        refusal = await client.refuse(wire.HANDLE_RELOAD_CONFIG, request)

    assert ("INVALID_ARGUMENT", "malformed_request") == (refusal.code, refusal.reason)
    assert text in refusal.text
    assert "only version_labels can be changed" in refusal.text
    assert {"stable": 2} == backend.labels


async def test_reload_where_labels_are_settings() -> None:
    """The gateway has nobody who could carry it out."""
    async with open_rpc(build_context(staged())) as client:
        refusal = await client.refuse(wire.HANDLE_RELOAD_CONFIG, reload({"stable": 4}))

    assert ("UNIMPLEMENTED", "unimplemented") == (refusal.code, refusal.reason)
    assert "labels are settings here" in refusal.text
