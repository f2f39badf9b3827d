"""Every row of TensorFlow Serving's two tables of errors, as its official client meets it at a real model server.

The tables are those of its gRPC and of its REST API; the texts are its own, from its documentation and sources. Where
they are TensorFlow's, and change with it, or this service's, only the code is compared.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from support.fakes import count_images
from support.serving_client import (
    Array,
    Refusal,
    ServingClient,
    ask_metadata,
    ask_status,
    build_predict,
    build_reload,
    build_tensor,
    open_client,
    read_refusal,
)
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from bench.running import RunningService, behind, running_service
from service.api.tfserving.status import HTTP_STATUSES

pytestmark = pytest.mark.tensorflow

IMAGES = count_images(2)
GOOD = {"images": IMAGES}
_CODE_DIM = 32
_OUTPUTS = "{anomaly_scores,codes,errors,reconstructions}"
_FULL = "The batch scheduling queue to which this task was submitted is full"
_METHODS = "tensorflow/serving"
_NO_LABELS = "Model labels does not init yet."


def codes(*shape: int, dtype: type[Any] = np.float32) -> dict[str, Array]:
    """Codes of any shape."""
    return {"codes": np.zeros(shape, dtype)}


def sizes(numbers: str, names: str, extra: str, missing: str) -> str:
    """The text about inputs that are not the signature's."""
    return (
        f"input size does not match signature: {numbers} {names}. Sent extra: {extra}. Missing but required: {missing}."
    )


# Name: (request, code, text; None where it is TensorFlow's or ours)
RPC_ERRORS: dict[str, tuple[Any, str, str | None]] = {
    "no model_spec": (PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
    "no model_spec for metadata": (
        GetModelMetadataRequest(metadata_field=["signature_def"]),
        "INVALID_ARGUMENT",
        "Missing ModelSpec",
    ),
    "no model_spec for status": (GetModelStatusRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
    "empty name": (build_predict(GOOD, name=""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    "unknown model": (
        build_predict(GOOD, name="foo"),
        "NOT_FOUND",
        "Servable not found for request: Latest(foo)",
    ),
    "unknown version": (
        build_predict(GOOD, version=99),
        "NOT_FOUND",
        "Servable not found for request: Specific(digits, 99)",
    ),
    "unknown version of an unknown model": (
        build_predict(GOOD, name="foo", version=99),
        "NOT_FOUND",
        "Servable not found for request: Specific(foo, 99)",
    ),
    "metadata of an unknown version": (
        ask_metadata("signature_def", version=99),
        "NOT_FOUND",
        "Servable not found for request: Specific(digits, 99)",
    ),
    "unknown label": (
        build_predict(GOOD, label="X"),
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: X",
    ),
    "unknown signature": (
        build_predict(GOOD, signature="X"),
        "FAILED_PRECONDITION",
        'Serving signature key "X" not found.',
    ),
    "no input": (
        build_predict({}),
        "INVALID_ARGUMENT",
        sizes("0!=1", "len({}) != len({images})", "{}", "{images}"),
    ),
    "another input": (
        build_predict({"pictures": IMAGES}),
        "INVALID_ARGUMENT",
        sizes("1!=1", "len({pictures}) != len({images})", "{pictures}", "{images}"),
    ),
    "one input too many": (
        build_predict({**GOOD, **codes(1, _CODE_DIM)}),
        "INVALID_ARGUMENT",
        sizes("2!=1", "len({codes,images}) != len({images})", "{codes}", "{}"),
    ),
    "malformed TensorProto, too short": (
        build_predict({"images": build_tensor("uint8", (2, 28, 28), tensor_content=b"123")}),
        "INVALID_ARGUMENT",
        "tensor parsing error: images",
    ),
    "malformed TensorProto, too many values": (
        build_predict({"codes": build_tensor("float32", (1, 1), float_val=[1, 2])}, signature="decode"),
        "INVALID_ARGUMENT",
        "tensor parsing error: codes",
    ),
    "malformed TensorProto, unknown size": (
        build_predict({"images": build_tensor("uint8", (-1, 28, 28), int_val=[1])}),
        "INVALID_ARGUMENT",
        "tensor parsing error: images",
    ),
    "wrong dtype": (build_predict({"images": IMAGES.astype(np.float32)}), "INVALID_ARGUMENT", None),
    "wrong dtype of codes": (
        build_predict(codes(1, _CODE_DIM, dtype=np.float64), signature="decode"),
        "INVALID_ARGUMENT",
        None,
    ),
    "wrong shape": (build_predict({"images": IMAGES.reshape(2, 784)}), "INVALID_ARGUMENT", None),
    "wrong shape, no batch": (build_predict({"images": IMAGES[0]}), "INVALID_ARGUMENT", None),
    "wrong shape, no row": (build_predict({"images": IMAGES[:0]}), "INVALID_ARGUMENT", None),
    "wrong shape of codes": (build_predict(codes(1, _CODE_DIM - 1), signature="decode"), "INVALID_ARGUMENT", None),
    "bad output_filter": (
        build_predict(GOOD, "codes", "X"),
        "INVALID_ARGUMENT",
        f"output tensor alias not found in signature: X Outputs expected to be in the set {_OUTPUTS}.",
    ),
    "duplicate output_filter": (
        build_predict(GOOD, "codes", "errors", "codes"),
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: codes",
    ),
    "status of an unknown model": (
        ask_status(name="foo"),
        "NOT_FOUND",
        "Could not find any versions of model foo",
    ),
    "status of an unknown version": (
        ask_status(version=99),
        "NOT_FOUND",
        "Could not find version 99 of model digits",
    ),
    "metadata_field empty": (
        ask_metadata(),
        "INVALID_ARGUMENT",
        "GetModelMetadataRequest must specify at least one metadata_field",
    ),
    "label to a version that is not loaded": (
        build_reload({"stable": 1, "canary": 7}),
        "FAILED_PRECONDITION",
        "Request to assign label to version 7 of model digits, which is not currently available for inference",
    ),
    "request rows > max": (build_predict({"images": count_images(4097)}), "INVALID_ARGUMENT", None),
}

_PREDICT = "POST /v1/models/digits:predict"
_IMAGE = IMAGES[0].tolist()
_ROW = {"instances": [_IMAGE]}


def decode(*instances: Any) -> dict[str, Any]:
    """A body with codes."""
    return {"signature_name": "decode", "instances": instances}


# Name: (method and path, body, status, text; None where it is TensorFlow's or ours)
REST_ERRORS: dict[str, tuple[str, Any, int, str | None]] = {
    "no model name": ("GET /v1/models", None, 400, "Missing model name in request."),
    "unroutable": ("GET /v1/nowhere", None, 400, "Malformed request: GET /v1/nowhere"),
    "unroutable outside of /v1": ("GET /metrics", None, 400, "Malformed request: GET /metrics"),
    "another method": ("PUT /v1/models/digits", None, 400, "Malformed request: PUT /v1/models/digits"),
    "unknown model": (
        "POST /v1/models/foo:predict",
        _ROW,
        404,
        "Servable not found for request: Latest(foo)",
    ),
    "unknown version": (
        "POST /v1/models/digits/versions/99:predict",
        _ROW,
        404,
        "Servable not found for request: Specific(digits, 99)",
    ),
    "unknown label": (
        "POST /v1/models/digits/labels/X:predict",
        _ROW,
        400,
        "Unrecognized servable version label: X",
    ),
    "status of an unknown model": ("GET /v1/models/foo", None, 404, "Could not find any versions of model foo"),
    "status of an unknown version": (
        "GET /v1/models/digits/versions/99",
        None,
        404,
        "Could not find version 99 of model digits",
    ),
    "metadata of an unknown version": (
        "GET /v1/models/digits/versions/99/metadata",
        None,
        404,
        "Servable not found for request: Specific(digits, 99)",
    ),
    "unknown signature": (
        _PREDICT,
        {**_ROW, "signature_name": "X"},
        400,
        'Serving signature name: "X" not found in signature def',
    ),
    "empty body": (_PREDICT, b"", 400, "JSON Parse error: The document is empty"),
    "broken JSON": (_PREDICT, b"{", 400, None),
    "no object": (_PREDICT, [], 400, None),
    "both forms": (_PREDICT, {**_ROW, "inputs": [_IMAGE]}, 400, None),
    "neither form": (_PREDICT, {}, 400, None),
    "no row": (_PREDICT, {"instances": []}, 400, None),
    "other names in a row": (_PREDICT, {"instances": [{"pictures": _IMAGE}]}, 400, None),
    "other names in columns": (_PREDICT, {"inputs": {"pictures": [_IMAGE]}}, 400, None),
    "bare values beside named ones": (_PREDICT, {"instances": [_IMAGE, {"images": _IMAGE}]}, 400, None),
    "b64 for an input that is no string": (_PREDICT, {"instances": [{"b64": "AAAA"}]}, 400, None),
    "floats for integers": (_PREDICT, {"instances": [[[0.5] * 28] * 28]}, 400, None),
    "wrong shape": (_PREDICT, {"instances": [[0] * 784]}, 400, None),
    "ragged rows": (_PREDICT, decode([0.0] * _CODE_DIM, [0.0]), 400, None),
    "wrong shape of codes": (_PREDICT, decode([0.0]), 400, None),
    # TensorFlow Serving takes the bare tokens; no code of this model has such numbers.
    "NaN": (_PREDICT, b'{"signature_name": "decode", "instances": [[NaN]]}', 400, None),
    "request rows > max": (_PREDICT, decode(*[[0.0] * _CODE_DIM] * 4097), 400, None),
    "classify": (
        "POST /v1/models/digits:classify",
        {"examples": []},
        400,
        f"Expected classification signature method_name to be {_METHODS}/classify. Was: {_METHODS}/predict",
    ),
}


@pytest.fixture(scope="module")
def client(model_server: RunningService) -> Iterator[ServingClient]:
    """The official client of the model server."""
    with open_client(model_server.grpc) as opened:
        yield opened


def ask_rest(server: RunningService, line: str, body: Any, **headers: str) -> httpx.Response:
    """Send a request line like `GET /path` with a body; one that is not bytes becomes JSON."""
    method, _, path = line.partition(" ")
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    return httpx.request(method, server.url + path, content=content, headers=headers, timeout=60)


def read_error(answer: httpx.Response) -> tuple[int, str]:
    """Status and text of a failure, whose body must be the pretty-printed object with the one key."""
    assert "application/json" == answer.headers["content-type"]
    assert answer.text.startswith('{\n  "error": "')
    (text,) = answer.json().values()
    return answer.status_code, text


@pytest.mark.parametrize("name", RPC_ERRORS)
def test_rpc(client: ServingClient, name: str) -> None:
    """One row of the gRPC table."""
    request, code, text = RPC_ERRORS[name]
    refusal = client.refuse(request)

    assert Refusal(code, refusal.text if text is None else text) == refusal


@pytest.mark.parametrize("name", REST_ERRORS)
def test_rest(model_server: RunningService, name: str) -> None:
    """One row of the REST table."""
    line, body, status, text = REST_ERRORS[name]
    told = read_error(ask_rest(model_server, line, body))

    assert (status, told[1] if text is None else text) == told


def test_statuses_of_all_codes() -> None:
    """The REST API's whole map; few of the codes can be met at this model."""
    assert {
        "CANCELLED": 499,
        "UNKNOWN": 500,
        "INVALID_ARGUMENT": 400,
        "DEADLINE_EXCEEDED": 504,
        "NOT_FOUND": 404,
        "ALREADY_EXISTS": 409,
        "PERMISSION_DENIED": 403,
        "RESOURCE_EXHAUSTED": 429,
        "FAILED_PRECONDITION": 400,
        "ABORTED": 409,
        "OUT_OF_RANGE": 400,
        "UNIMPLEMENTED": 501,
        "INTERNAL": 500,
        "UNAVAILABLE": 503,
        "DATA_LOSS": 500,
        "UNAUTHENTICATED": 401,
    } == {code.name: status for code, status in HTTP_STATUSES.items()}


@pytest.mark.parametrize("method", ["Classify", "Regress", "MultiInference"])
def test_methods_for_other_models(model_server: RunningService, method: str) -> None:
    """Not for this model."""
    with grpc.insecure_channel(model_server.grpc) as channel:
        call: Any = channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", timeout=10)

    assert "UNIMPLEMENTED" == read_refusal(caught.value).code


def test_shapes_that_could_not_share_a_batch(client: ServingClient) -> None:
    """TensorFlow Serving may fail such a batch; here a signature has one shape, and only requests of another fail."""
    widths = [_CODE_DIM, _CODE_DIM + 1] * 8
    calls = [client.start(build_predict(codes(3, width), signature="decode")) for width in widths]
    failed = [call.exception() for call in calls]

    assert [width != _CODE_DIM for width in widths] == [error is not None for error in failed]
    assert {"INVALID_ARGUMENT"} == {read_refusal(error).code for error in failed if error}


def test_label_before_any_version_answered() -> None:
    """The model server listens once a version answers; at a gateway whose model server never came it can be seen."""
    absent = behind("127.0.0.1:1")
    with running_service(absent, is_ready_wanted=False) as gateway, open_client(gateway.grpc) as client:
        refusal = client.refuse(build_predict(GOOD, label="stable"))
        answer = ask_rest(gateway, "POST /v1/models/digits/labels/stable:predict", _ROW)

    assert Refusal("UNAVAILABLE", _NO_LABELS) == refusal
    assert (503, _NO_LABELS) == read_error(answer)


_MAX_ROWS = 4000
_MAX_CALLS = 8
# As many rows as are allowed, in few bytes.
_LARGEST = decode(*[[0] * _CODE_DIM] * _MAX_ROWS)


@pytest.fixture(scope="module")
def narrow() -> Iterator[RunningService]:
    """A model server that runs row by row, so that its largest request fills the queue for seconds."""
    settings = {
        "DIGITCODEC_LIMITS__MAX_ROWS": str(_MAX_ROWS),
        "DIGITCODEC_BATCHING__MAX_BATCH_ROWS": "1",
        "DIGITCODEC_BULK__MAX_BATCH_ROWS": "1",
        "DIGITCODEC_BULK__MAX_BATCHES": "1",
        "DIGITCODEC_BULK__MAX_QUEUE_ROWS": str(_MAX_ROWS),
        "DIGITCODEC_GRPC__MAX_CONCURRENT_CALLS": str(_MAX_CALLS),
    }
    with running_service(settings, "model-server") as running:
        yield running


@contextmanager
def full_queue(client: ServingClient) -> Iterator[Refusal]:
    """One of two large calls stands in the queue while the block lasts; yields how the other was refused."""
    done: SimpleQueue[Any] = SimpleQueue()
    calls = [client.start(build_predict({"images": count_images(_MAX_ROWS)}, "errors")) for _ in range(2)]
    for call in calls:
        call.add_done_callback(done.put)
    yield read_refusal(done.get(timeout=60))
    for call in calls:
        call.cancel()


def test_batch_queue_full(narrow: RunningService) -> None:
    """Who finds no room is told at once, by TensorFlow Serving's own text."""
    with open_client(narrow.grpc) as client, full_queue(client) as refusal:
        answer = ask_rest(narrow, _PREDICT, _LARGEST)

    assert Refusal("UNAVAILABLE", _FULL) == refusal
    assert (503, _FULL) == read_error(answer)


def test_request_rows_beyond_the_setting(narrow: RunningService) -> None:
    """The limit is the operator's."""
    with open_client(narrow.grpc) as client:
        refusal = client.refuse(build_predict({"images": count_images(_MAX_ROWS + 1)}))

    assert Refusal("INVALID_ARGUMENT", "4001 rows came, the limit is 4000") == refusal


def test_deadline(client: ServingClient, narrow: RunningService) -> None:
    """Over gRPC its own counts; over REST the header that our other doors know too."""
    refusal = client.refuse(build_predict({"images": count_images(_MAX_ROWS)}), timeout=0.02)
    answer = ask_rest(narrow, _PREDICT, _LARGEST, **{"x-request-timeout": "0.05"})

    assert "DEADLINE_EXCEEDED" == refusal.code
    assert 504 == read_error(answer)[0]


def test_grpc_max_threads_exhausted(narrow: RunningService) -> None:
    """More calls come at once than the operator allows: those beyond are refused, the others are answered."""
    count = 4 * _MAX_CALLS
    share = build_predict({"images": count_images(_MAX_ROWS // count)}, "errors")
    with open_client(narrow.grpc) as client:
        calls = [client.start(share) for _ in range(count)]
        codes = Counter(call.code().name for call in calls)

    assert {"OK", "RESOURCE_EXHAUSTED"} == codes.keys()
    # A call that the test before gave up may still hold a place.
    assert codes["OK"] >= _MAX_CALLS - 1
