"""NVIDIA's `tritonclient` works unchanged against the gateway, over HTTP and gRPC, on both backends."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from support.triton_caller import Protocol, TritonAnswer, TritonCall, as_bytes_tensor, ask_pages, infer

from bench.running import RunningService
from bench.sameness import are_close, are_same
from service import __version__
from service.images import render_npy, render_png

pytestmark = pytest.mark.tensorflow

_ROWS = 20


@pytest.fixture(scope="module")
def process() -> Iterator[ProcessPoolExecutor]:
    """A process without our own messages."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        yield executor


@pytest.fixture(scope="module", params=["service", "thin_service"])
def gateway(request: pytest.FixtureRequest) -> RunningService:
    """A gateway with TensorFlow in it, and one before a model server."""
    running: RunningService = request.getfixturevalue(request.param)
    return running


@pytest.fixture(params=["http", "grpc"])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    """How the client talks."""
    chosen: Protocol = request.param
    return chosen


@pytest.fixture
def address(gateway: RunningService, protocol: Protocol) -> str:
    """Where it talks to."""
    return gateway.url.removeprefix("http://") if protocol == "http" else gateway.grpc


@pytest.fixture
def ask(process: ProcessPoolExecutor, protocol: Protocol, address: str) -> Callable[[TritonCall], TritonAnswer]:
    """Sends an inference by the client."""
    return lambda call: process.submit(infer, protocol, address, call).result()


Ask = Callable[[TritonCall], TritonAnswer]


@pytest.fixture
def images(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Real digits."""
    return digits[:_ROWS]


@pytest.fixture
def expected(gateway: RunningService, images: NDArray[np.uint8]) -> dict[str, Any]:
    """What our own door answers."""
    headers = {"content-type": "application/x-npy"}
    with httpx.Client(base_url=gateway.url, timeout=30) as http:
        encoded = http.post("/encode", content=render_npy(images), headers=headers).json()
        scored = http.post("/score", content=render_npy(images), headers=headers).json()
    return {"codes": np.array(encoded["codes"], np.float32), **scored}


def check(answer: TritonAnswer, expected: dict[str, Any]) -> None:
    """All outputs are those of our own door."""
    assert answer.status is None, answer.message
    outputs = answer.outputs
    assert ["reconstructions", "codes", "errors", "anomaly_scores"] == list(outputs)
    assert ("uint8", (_ROWS, 28, 28)) == (outputs["reconstructions"].dtype.name, outputs["reconstructions"].shape)
    assert are_close("codes", np.array(expected["codes"], np.float32), outputs["codes"])
    for name in ("errors", "anomaly_scores"):
        assert are_same(name, np.array(expected[name], np.float32), outputs[name])


def test_pages(process: ProcessPoolExecutor, protocol: Protocol, address: str) -> None:
    """Health, metadata and index as the client reads them; its JSON of gRPC has integers as text."""
    pages = process.submit(ask_pages, protocol, address).result()

    assert (True, True, True) == (pages["live"], pages["ready"], pages["model ready"])
    assert ("digitcodec", __version__) == (pages["server"]["name"], pages["server"]["version"])
    assert "binary_tensor_data" in pages["server"]["extensions"]
    assert (["1"], "tensorflow_savedmodel") == (pages["model"]["versions"], pages["model"]["platform"])
    assert "UINT8" == pages["model"]["inputs"][0]["datatype"]
    assert [-1, 28, 28] == [int(size) for size in pages["model"]["inputs"][0]["shape"]]
    assert {"digits", "digits-encode", "digits-decode", "digits-reconstruct"} == {
        entry["name"] for entry in pages["index"] if entry["state"] == "READY"
    }


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("shape", [(_ROWS, 28, 28), (_ROWS, 784)])
def test_pixels(ask: Ask, images: NDArray[np.uint8], expected: dict[str, Any], shape: Any, *, binary: bool) -> None:
    """UINT8 as bytes and as JSON."""
    check(ask(TritonCall(images.reshape(shape), binary=binary)), expected)


def test_image_files(ask: Ask, images: NDArray[np.uint8], expected: dict[str, Any]) -> None:
    """BYTES of PNG files."""
    check(ask(TritonCall(as_bytes_tensor([render_png(image) for image in images]))), expected)


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_compressed_requests(ask: Ask, images: NDArray[np.uint8], expected: dict[str, Any], compression: str) -> None:
    """Both of the client's ways."""
    check(ask(TritonCall(images, compression=compression)), expected)


@pytest.mark.parametrize("binary", [True, False])
def test_chosen_outputs(ask: Ask, images: NDArray[np.uint8], expected: dict[str, Any], *, binary: bool) -> None:
    """In the caller's order, and with his id."""
    answer = ask(TritonCall(images, outputs=("anomaly_scores", "errors"), binary=binary, id="mine", version="1"))

    assert (["anomaly_scores", "errors"], "1", "mine") == (list(answer.outputs), answer.version, answer.id)
    assert are_same("errors", np.array(expected["errors"], np.float32), answer.outputs["errors"])


def test_codes_and_back(ask: Ask, images: NDArray[np.uint8]) -> None:
    """`decode` of `encode` is `reconstruct`."""
    codes = ask(TritonCall(images, model="digits", parameters={"signature_name": "encode"})).outputs["codes"]
    decoded = ask(TritonCall(codes, model="digits-decode", name="codes")).outputs["images"]

    assert are_same("reconstructions", ask(TritonCall(images)).outputs["reconstructions"], decoded)


# Name: (what differs from a good call, HTTP status, gRPC status, a part of the text)
REFUSALS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "unknown model": ({"model": "x"}, "404", "StatusCode.NOT_FOUND", "there is no model 'x'"),
    "unknown version": ({"version": "9"}, "404", "StatusCode.NOT_FOUND", "9"),
    "unknown output": ({"outputs": ("x",)}, "400", "StatusCode.INVALID_ARGUMENT", "output 'x' is unknown"),
    "unknown input": ({"name": "x"}, "400", "StatusCode.INVALID_ARGUMENT", "input 'x' is unknown"),
    "other type": ({"array": np.zeros((1, 28, 28), np.bool_)}, "400", "StatusCode.INVALID_ARGUMENT", "'BOOL'"),
    "other shape": ({"array": np.zeros((1, 27, 28), np.uint8)}, "400", "StatusCode.INVALID_ARGUMENT", "(1, 27, 28)"),
    "no image": ({"array": as_bytes_tensor([b"x"])}, "400", "StatusCode.INVALID_ARGUMENT", "image 0"),
    "many rows": ({"array": np.zeros((4097, 784), np.uint8)}, "413", "StatusCode.INVALID_ARGUMENT", "4097 rows"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(ask: Ask, protocol: Protocol, images: NDArray[np.uint8], name: str) -> None:
    """They surface as the client's own exception, with our text."""
    changes, http_status, grpc_status, part = REFUSALS[name]
    answer = ask(TritonCall(**{"array": images, **changes}))

    assert (http_status if protocol == "http" else grpc_status) == answer.status
    assert part in answer.message


def test_body_of_pixels_alone(gateway: RunningService, images: NDArray[np.uint8], expected: dict[str, Any]) -> None:
    """What curl can send without any JSON."""
    headers = {"inference-header-content-length": "0"}
    url = f"{gateway.url}/v2/models/digits-encode/infer"
    answer = httpx.post(url, content=images.tobytes(), headers=headers)

    header = int(answer.headers["inference-header-content-length"])
    codes = np.frombuffer(answer.content[header:], np.float32).reshape(
        json.loads(answer.content[:header])["outputs"][0]["shape"]
    )
    np.testing.assert_allclose(codes, expected["codes"], rtol=0, atol=1e-5)
