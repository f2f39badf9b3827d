"""TensorFlow Serving's official client works unchanged, against the model server and against both gateways."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from numpy.typing import NDArray
from support.serving_client import (
    Array,
    Refusal,
    ServingClient,
    ask_metadata,
    ask_status,
    build_predict,
    build_reload,
    open_client,
    read_outputs,
    read_signatures,
    render_typed,
)
from support.toy_model import export_toy, toy_codes
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from bench.running import RunningService, running_service

pytestmark = pytest.mark.tensorflow

_VERSION = Path(__file__).resolve().parents[2] / "models" / "digits" / "1"
_ROWS = 5
_MODEL = "/v1/models/digits"
_INPUTS = {"reconstruct": "images", "encode": "images", "decode": "codes"}
_SERVICES = ("tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")

Outputs = dict[str, Array]


@pytest.fixture(scope="module", params=["model_server", "service", "thin_service"])
def server(request: pytest.FixtureRequest) -> RunningService:
    """The model server, a gateway with TensorFlow in it, and one before the model server."""
    running: RunningService = request.getfixturevalue(request.param)
    return running


@pytest.fixture(scope="module")
def client(server: RunningService) -> Iterator[ServingClient]:
    """The official client of that server."""
    with open_client(server.grpc) as opened:
        yield opened


@pytest.fixture(scope="module")
def rest(server: RunningService) -> Iterator[httpx.Client]:
    """Its REST API."""
    with httpx.Client(base_url=server.url, timeout=30) as opened:
        yield opened


@pytest.fixture(scope="module")
def inputs(digits: NDArray[np.uint8], model: Any) -> Outputs:
    """What each input is fed with: real digits, and their codes."""
    images = digits[:_ROWS]
    return {"images": images, "codes": model.signatures["encode"](images=tf.constant(images))["codes"].numpy()}


@pytest.fixture(scope="module")
def model() -> Any:
    """The SavedModel itself, by Python."""
    return tf.saved_model.load(str(_VERSION))


@pytest.fixture(scope="module")
def expected(model: Any, inputs: Outputs) -> dict[str, Outputs]:
    """The outputs of each signature, by the SavedModel itself."""
    return {
        name: {output: tensor.numpy() for output, tensor in model.signatures[name](tf.constant(inputs[takes])).items()}
        for name, takes in _INPUTS.items()
    }


def check(expected: Outputs, outputs: Outputs) -> None:
    """Codes are equal to 1e-5; all else to the last bit, and of the same type."""
    assert expected.keys() == outputs.keys()
    for name, array in expected.items():
        assert array.dtype == outputs[name].dtype
        np.testing.assert_allclose(outputs[name], array, rtol=0, atol=1e-5 if name == "codes" else 0)


@pytest.mark.parametrize("render", [tf.make_tensor_proto, render_typed], ids=["packed", "typed"])
@pytest.mark.parametrize("asked", ["", "serving_default", "reconstruct", "encode", "decode"])
def test_predict_equals_the_model(
    client: ServingClient,
    inputs: Outputs,
    expected: dict[str, Outputs],
    asked: str,
    render: Callable[[Array], Any],
) -> None:
    """Every signature, sent packed and typed; the answer is typed as TensorFlow Serving's, and says what ran."""
    signature = asked if asked in _INPUTS else "reconstruct"
    takes = _INPUTS[signature]
    response = client.call(build_predict({takes: inputs[takes]}, signature=asked, render=render))

    check(expected[signature], read_outputs(response))
    assert {b""} == {tensor.tensor_content for tensor in response.outputs.values()}
    spec = response.model_spec
    assert ("digits", 1, asked or "serving_default") == (spec.name, spec.version.value, spec.signature_name)


@pytest.mark.parametrize("wanted", [("errors",), ("codes", "anomaly_scores"), ("reconstructions",)])
def test_output_filter_chooses(
    client: ServingClient, inputs: Outputs, expected: dict[str, Outputs], wanted: tuple[str, ...]
) -> None:
    """Only what is wanted comes back."""
    outputs = client.predict({"images": inputs["images"]}, *wanted, version=1)

    check({name: expected["reconstruct"][name] for name in wanted}, outputs)


def test_value_that_is_repeated(client: ServingClient, model: Any) -> None:
    """TensorFlow writes a constant tensor as its shape and one value."""
    outputs = client.predict({"images": tf.make_tensor_proto(7, tf.uint8, (2, 28, 28))}, "codes")
    codes = model.signatures["encode"](images=tf.fill((2, 28, 28), tf.constant(7, tf.uint8)))["codes"].numpy()

    check({"codes": codes}, outputs)


@pytest.mark.parametrize("spec", [{}, {"version": 1}])
def test_metadata_is_that_of_the_saved_model(client: ServingClient, spec: dict[str, int]) -> None:
    """Every signature as the file has it, names of tensors included; what is the loader's own is left out."""
    response = client.call(ask_metadata("signature_def", **spec))
    (graph,) = SavedModel.FromString((_VERSION / "saved_model.pb").read_bytes()).meta_graphs
    signatures = {name: each for name, each in graph.signature_def.items() if not name.startswith("__")}

    assert ("digits", 1) == (response.model_spec.name, response.model_spec.version.value)
    assert signatures == dict(read_signatures(response).signature_def)


@pytest.mark.parametrize("spec", [{}, {"version": 1}, {"label": "any"}])
def test_status(client: ServingClient, spec: dict[str, Any]) -> None:
    """The one version is available and well; a label is ignored."""
    (version,) = client.call(ask_status(**spec)).model_version_status

    assert (1, "AVAILABLE") == (version.version, version.State.Name(version.state))
    assert (True, 0, "") == (version.HasField("status"), version.status.error_code, version.status.error_message)


@pytest.mark.parametrize("name", ["", *_SERVICES])
def test_health(server: RunningService, name: str) -> None:
    """The official health client finds the process and both services at work."""
    with grpc.insecure_channel(server.grpc) as channel:
        health: Any = HealthStub(channel)
        response = health.Check(HealthCheckRequest(service=name), timeout=10)

    assert HealthCheckResponse.SERVING == response.status


def test_rest_rows(rest: httpx.Client, inputs: Outputs, expected: dict[str, Outputs]) -> None:
    """One object a row where there are several outputs, bare values where there is one; the version by number."""
    images, codes = inputs["images"].tolist(), inputs["codes"].tolist()
    rows = rest.post(f"{_MODEL}:predict", json={"instances": images}).json()["predictions"]
    decoded = rest.post(f"{_MODEL}/versions/1:predict", json={"signature_name": "decode", "instances": codes}).json()
    named = [{"images": image} for image in images]
    encoded = rest.post(f"{_MODEL}:predict", json={"signature_name": "encode", "instances": named}).json()

    types = {name: array.dtype for name, array in expected["reconstruct"].items()}
    check(expected["reconstruct"], {name: np.array([row[name] for row in rows], types[name]) for name in types})
    check(expected["decode"], {"images": np.array(decoded["predictions"], np.uint8)})
    check(expected["encode"], {"codes": np.array(encoded["predictions"], np.float32)})


def test_rest_columns(rest: httpx.Client, inputs: Outputs, expected: dict[str, Outputs]) -> None:
    """One tensor an output; a bare one where there is one. The case of the path is free, and bodies are inflated."""
    images, codes = inputs["images"].tolist(), inputs["codes"].tolist()
    columns = rest.post("/V1/Models/digits:PREDICT", json={"inputs": {"images": images}}).json()["outputs"]
    body = gzip.compress(json.dumps({"signature_name": "decode", "inputs": codes}).encode())
    decoded = rest.post(f"{_MODEL}:predict", content=body, headers={"content-encoding": "gzip"}).json()["outputs"]

    types = {name: array.dtype for name, array in expected["reconstruct"].items()}
    check(expected["reconstruct"], {name: np.array(columns[name], types[name]) for name in types})
    check(expected["decode"], {"images": np.array(decoded, np.uint8)})


@pytest.mark.parametrize("path", ["", "/versions/1", "/labels/any"])
def test_rest_status(rest: httpx.Client, path: str) -> None:
    """The document that TensorFlow Serving's users know, pretty-printed."""
    answer = rest.get(_MODEL + path)

    assert (200, "application/json") == (answer.status_code, answer.headers["content-type"])
    assert answer.text.startswith('{\n  "model_version_status": [')
    status = {"error_code": "OK", "error_message": ""}
    assert [{"version": "1", "state": "AVAILABLE", "status": status}] == answer.json()["model_version_status"]


def test_rest_metadata(rest: httpx.Client, client: ServingClient) -> None:
    """The same as over gRPC, as protobuf writes it in JSON: sizes and versions are strings."""
    signatures = read_signatures(client.call(ask_metadata("signature_def")))
    document = rest.get(f"{_MODEL}/metadata").json()

    assert {"name": "digits", "signature_name": "", "version": "1"} == document["model_spec"]
    as_json = MessageToDict(signatures, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    assert as_json == document["metadata"]["signature_def"]
    (_, height, width) = as_json["signature_def"]["encode"]["inputs"]["images"]["tensor_shape"]["dim"]
    assert {"size": "28", "name": ""} == height == width


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model server of two versions answers beside its port."""
    return tmp_path_factory.mktemp("socket") / "grpc"


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory, socket: Path) -> Iterator[RunningService]:
    """A model server that keeps versions 1 and 2 of the toy, without labels, and answers packed tensors."""
    root = tmp_path_factory.mktemp("models")
    for version in (1, 2):
        export_toy(root / "digits" / str(version), scale=float(version))
    settings = {
        "DIGITCODEC_MODEL__ROOT": str(root),
        "DIGITCODEC_MODEL__KEEP_VERSIONS": "2",
        "DIGITCODEC_MODEL_SERVER__SOCKET": str(socket),
        "DIGITCODEC_GRPC__PACKED_TENSORS": "true",
    }
    with running_service(settings, "model-server") as running:
        wait_for_versions(running, {1, 2})
        yield running


def wait_for_versions(running: RunningService, wanted: set[int]) -> None:
    """Return once all of them are available; the server listens as soon as one is."""
    end_s = time.monotonic() + 60
    with open_client(running.grpc) as client:
        while time.monotonic() < end_s:
            statuses = client.call(ask_status()).model_version_status
            if wanted == {status.version for status in statuses if status.state == status.AVAILABLE}:
                return
    raise AssertionError(f"not available after a minute: {wanted}")


@pytest.fixture(scope="module")
def toys(two_versions: RunningService) -> Iterator[ServingClient]:
    """The official client of that model server."""
    with open_client(two_versions.grpc) as opened:
        yield opened


def find_version(client: ServingClient, images: NDArray[np.uint8], **spec: Any) -> int:
    """The version that answers; its codes must be its own."""
    response = client.call(build_predict({"images": images}, signature="encode", **spec))
    version: int = response.model_spec.version.value
    np.testing.assert_allclose(read_outputs(response)["codes"], version * toy_codes(images), rtol=1e-6)
    return version


def test_version_chooses(toys: ServingClient, inputs: Outputs) -> None:
    """By number, and the newest without one; Predict, metadata and status agree."""
    chosen = [find_version(toys, inputs["images"], **spec) for spec in ({}, {"version": 1}, {"version": 2})]
    metadata = toys.call(ask_metadata("signature_def", version=1))

    assert [2, 1, 2] == chosen
    assert 1 == metadata.model_spec.version.value
    assert [2, 1] == [status.version for status in toys.call(ask_status()).model_version_status]


def test_packed_answers(toys: ServingClient, inputs: Outputs) -> None:
    """Where the operator chose them, TensorFlow reads them all the same."""
    response = toys.call(build_predict({"images": inputs["images"]}, version=1))

    assert all(tensor.tensor_content for tensor in response.outputs.values())
    np.testing.assert_allclose(read_outputs(response)["codes"], toy_codes(inputs["images"]), rtol=1e-6)


def test_labels_follow_the_reloads(toys: ServingClient, two_versions: RunningService, inputs: Outputs) -> None:
    """Each reload replaces all labels at once, over gRPC and REST; one that cannot be carried out changes nothing."""
    images = inputs["images"]
    with httpx.Client(base_url=two_versions.url, timeout=30) as rest:
        for labels in ({"stable": 1, "canary": 2}, {"stable": 2, "canary": 1}):
            response = toys.call(build_reload(labels))
            assert (True, 0) == (response.HasField("status"), response.status.error_code)
            assert labels == {label: find_version(toys, images, label=label) for label in labels}
            found = {
                label: rest.get(f"{_MODEL}/labels/{label}/metadata").json()["model_spec"]["version"] for label in labels
            }
            assert labels == {label: int(version) for label, version in found.items()}

    refusal = toys.refuse(build_reload({"stable": 1, "canary": 3}))
    text = "Request to assign label to version 3 of model digits, which is not currently available for inference"
    assert Refusal("FAILED_PRECONDITION", text) == refusal
    assert (2, 1) == (find_version(toys, images, label="stable"), find_version(toys, images, label="canary"))

    toys.call(build_reload({"stable": 1}))
    refusal = toys.refuse(build_predict({"images": images}, label="canary"))
    assert Refusal("INVALID_ARGUMENT", "Unrecognized servable version label: canary") == refusal


def test_gateway_before_a_unix_socket(toys: ServingClient, socket: Path, inputs: Outputs) -> None:
    """The socket is a target as good as a port; versions choose through it, and labels that only the server knows."""
    toys.call(build_reload({"stable": 1, "canary": 2}))
    settings = {"DIGITCODEC_BACKEND__KIND": "tfserving", "DIGITCODEC_BACKEND__TARGET": f"unix:{socket}"}
    specs: list[dict[str, Any]] = [{}, {"version": 1}, {"label": "stable"}, {"label": "canary"}]
    with running_service(settings) as gateway, open_client(gateway.grpc) as client:
        assert [2, 1, 1, 2] == [find_version(client, inputs["images"], **spec) for spec in specs]


def test_gateways_take_no_labels(request: pytest.FixtureRequest) -> None:
    """Theirs are settings, or those of the server behind."""
    for name in ("service", "thin_service"):
        with open_client(request.getfixturevalue(name).grpc) as client:
            refusal = client.refuse(build_reload({"stable": 1}))

        assert "UNIMPLEMENTED" == refusal.code
        assert "labels are settings here" in refusal.text
