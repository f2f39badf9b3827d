"""Every refusal over REST: the status that Triton's and KServe's clients look for, and a text that helps."""

import gzip
import json
import zlib
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fakes import FakeBackend, HeldBackend
from support.http_door import LineLog, build_context, open_client
from support.inference_calls import HEADER, IMAGES, PIXELS, binary_body, binary_tensor, prefix, tensor
from support.refusals import file_of

from service.api.inference import build_inference_app
from service.errors import BackendContractError, BackendError, OverloadedError

ENCODE = "/v2/models/digits-encode/infer"
DECODE = "/v2/models/digits-decode/infer"
RAW = IMAGES.tobytes()


def of(*inputs: Any, **more: Any) -> dict[str, Any]:
    """A request of JSON alone."""
    return {"json": {"inputs": list(inputs), **more}}


def raw_of(raw: bytes, **more: Any) -> dict[str, Any]:
    """A request with one binary input."""
    return binary_body({"inputs": [binary_tensor(raw, **more)]}, raw)


def whole(body: bytes) -> dict[str, Any]:
    """A request that is nothing but its input."""
    return {"content": body, "headers": {HEADER: "0"}}


def text(body: str | bytes, **headers: str) -> dict[str, Any]:
    """Any body."""
    return {"content": body, "headers": {name.replace("_", "-"): value for name, value in headers.items()}}


CODES = {"name": "codes", "datatype": "FP32"}
# Name: (path, request, status, a part of the text)
REFUSALS: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "empty body": (ENCODE, text(""), 400, "not JSON"),
    "no json": (ENCODE, text("{"), 400, "not JSON"),
    "a list": (ENCODE, text("[]"), 400, "the JSON body is a list, expected an object"),
    "no inputs": (ENCODE, text("{}"), 400, "inputs is missing, expected a list"),
    "inputs of text": (ENCODE, text('{"inputs": "x"}'), 400, "inputs is 'x', expected a list"),
    "input is a number": (ENCODE, of(1), 400, "an element of inputs is an integer (1), expected an object"),
    "null as input": (ENCODE, of(None), 400, "an element of inputs is null, expected an object"),
    "many inputs": (ENCODE, of(*[1] * 257), 400, "257 inputs came, the limit is 256"),
    "no input": (ENCODE, of(), 400, "0 inputs came, encode has one: images"),
    "two inputs": (ENCODE, of(tensor(PIXELS), tensor(PIXELS)), 400, "2 inputs came"),
    "wrong input": (ENCODE, of(tensor(PIXELS, name="x")), 400, "input 'x' is unknown; encode has images"),
    "input for another model": (DECODE, of(tensor(PIXELS)), 400, "decode has codes"),
    "nameless input": (ENCODE, of({**tensor(PIXELS), "name": None}), 400, "inputs.name is missing"),
    "no datatype": (ENCODE, of({"name": "images", "shape": [1], "data": [1]}), 400, "inputs.datatype is missing"),
    "no shape": (ENCODE, of({"name": "images", "datatype": "UINT8", "data": [1]}), 400, "inputs.shape is missing"),
    "no data": (ENCODE, of(tensor()), 400, "inputs.data is missing, expected a list"),
    "data of text": (ENCODE, of(tensor("x")), 400, "inputs.data is 'x'"),
    "unknown datatype": (ENCODE, of(tensor(PIXELS, datatype="BF16")), 400, "datatype is 'BF16', expected one of UINT8"),
    "booleans": (ENCODE, of(tensor(PIXELS, datatype="BOOL")), 400, "datatype is 'BOOL'"),
    "negative shape": (ENCODE, of(tensor(PIXELS, shape=[-1, 28, 28])), 400, "shape is [-1, 28, 28], expected positive"),
    "no row": (ENCODE, of(tensor([], shape=[0, 28, 28])), 400, "shape is [0, 28, 28]"),
    "true in a shape": (ENCODE, of(tensor(PIXELS, shape=[True, 28, 28])), 400, "a size in shape is a boolean (True)"),
    "large shape": (ENCODE, of(tensor(PIXELS, shape=[2**62, 28, 28])), 400, "1568 elements came"),
    "endless shape": (ENCODE, of(tensor(PIXELS, shape=[2**62] * 9)), 400, "9 dimensions came, the limit is 8"),
    "other count": (ENCODE, of(tensor(PIXELS[1:])), 400, "1567 elements came, the shape [2, 28, 28] has 1568"),
    "other picture": (ENCODE, of(tensor(PIXELS[:1566], shape=[2, 27, 29])), 400, "(2, 27, 29)"),
    "other nesting": (ENCODE, of(tensor([PIXELS[:784], PIXELS[784:]])), 400, "neither flat nor nested as its shape"),
    "ragged": (ENCODE, of(tensor([[1, 2], [3]], shape=[2, 2])), 400, "neither flat nor nested"),
    "256": (ENCODE, of(tensor([256] * 1568)), 400, "out of the range of UINT8"),
    "-1": (ENCODE, of(tensor([-1] * 1568)), 400, "out of the range of UINT8"),
    "256 in a wide type": (ENCODE, of(tensor([256] * 1568, datatype="INT32")), 400, "got 256, expected an integer"),
    "floats as integers": (ENCODE, of(tensor([0.5] * 1568)), 400, "a number (0.5), expected an integer"),
    "true": (ENCODE, of(tensor([True] * 1568)), 400, "an element of UINT8 is a boolean (True)"),
    "text in numbers": (ENCODE, of(tensor(["a"] * 1568, datatype="FP32")), 400, "is 'a', expected a number"),
    "1.5": (ENCODE, of(tensor([1.5] * 1568, datatype="FP32")), 400, "got 1.5, expected a float in 0..1"),
    "301 rows": (ENCODE, raw_of(bytes(301 * 784), shape=[301, 784]), 413, "301 rows came, the limit is 300"),
    "301 files": (ENCODE, of(tensor([], datatype="BYTES", shape=[301])), 413, "301 images came, the limit is 300"),
    "no base64": (ENCODE, of(tensor(["?"], datatype="BYTES", shape=[1])), 400, "element 0 of a BYTES tensor is not"),
    "no text": (ENCODE, of(tensor([1], datatype="BYTES", shape=[1])), 400, "element 0 of a BYTES tensor is an integer"),
    "no image": (ENCODE, raw_of(prefix(b"x"), datatype="BYTES", shape=[1]), 400, "image 0: got 1 bytes of text"),
    "27x28": (ENCODE, raw_of(prefix(file_of((27, 28))), datatype="BYTES", shape=[1]), 400, "27 pixels wide"),
    "bomb": (
        ENCODE,
        {**raw_of(prefix(file_of((20_000, 20_000), mode="1")), datatype="BYTES", shape=[1])},
        413,
        "20000x20000",
    ),
    "files in a picture": (ENCODE, raw_of(b"", datatype="BYTES", shape=[1, 28, 28]), 400, "expected [n] or [n, 1]"),
    "files for codes": (DECODE, of({**CODES, **tensor([], name="codes", datatype="BYTES")}), 400, "codes is BYTES"),
    "cut length": (ENCODE, raw_of(b"\x01\x00", datatype="BYTES", shape=[1]), 400, "end inside element 0"),
    "cut element": (ENCODE, raw_of(prefix(b"abc")[:-1], datatype="BYTES", shape=[1]), 400, "end inside element 0"),
    "missing element": (ENCODE, raw_of(prefix(b"abc"), datatype="BYTES", shape=[2]), 400, "end inside element 1"),
    "more elements": (ENCODE, raw_of(prefix(b"abc") * 2, datatype="BYTES", shape=[1]), 400, "7 bytes came behind"),
    "wide code": (DECODE, of(tensor([0.0] * 5, **CODES, shape=[1, 5])), 400, "(1, 5)"),
    "infinite code": (DECODE, of(tensor([1e39] * 4, **CODES, shape=[1, 4])), 400, "expected a finite float32"),
    "codes of three dimensions": (DECODE, of(tensor([0] * 4, **CODES, shape=[1, 2, 2])), 400, "(1, 2, 2)"),
    "unknown output": (ENCODE, of(tensor(PIXELS), outputs=[{"name": "x"}]), 400, "output 'x' is unknown; encode has"),
    "output twice": (ENCODE, of(tensor(PIXELS), outputs=[{"name": "codes"}] * 2), 400, "expected each of them once"),
    "output of text": (ENCODE, of(tensor(PIXELS), outputs=["codes"]), 400, "an element of outputs is 'codes'"),
    "id of a number": (ENCODE, of(tensor(PIXELS), id=1), 400, "id is an integer (1), expected a string"),
    "parameters of text": (ENCODE, of(tensor(PIXELS), parameters="x"), 400, "parameters is 'x'"),
    "unknown signature": (
        "/v2/models/digits/infer",
        of(tensor(PIXELS), parameters={"signature_name": "x"}),
        404,
        "signature_name is 'x', expected one of encode, decode, reconstruct, serving_default",
    ),
    "other signature": (ENCODE, of(tensor(PIXELS), parameters={"signature_name": "decode"}), 404, "digits-encode"),
    "signature of a number": (ENCODE, of(tensor(PIXELS), parameters={"signature_name": 1}), 400, "expected a string"),
    "unknown preprocess": (ENCODE, of(tensor(PIXELS), parameters={"preprocess": "x"}), 400, "preprocess is 'x'"),
    "preprocess of a boolean": (ENCODE, of(tensor(PIXELS), parameters={"preprocess": True}), 400, "expected a string"),
    "binary_data_output of text": (
        ENCODE,
        of(tensor(PIXELS), parameters={"binary_data_output": "yes"}),
        400,
        "parameters.binary_data_output is 'yes', expected a boolean",
    ),
    "binary_data of a number": (
        ENCODE,
        of(tensor(PIXELS), outputs=[{"name": "codes", "parameters": {"binary_data": 1}}]),
        400,
        "outputs.parameters.binary_data is an integer (1)",
    ),
    "size without header length": (ENCODE, of(binary_tensor(RAW)), 400, "0 bytes came behind the JSON"),
    "size and data": (ENCODE, of({**binary_tensor(b""), "data": []}), 400, "both data and binary_data_size"),
    "negative size": (ENCODE, of(tensor(parameters={"binary_data_size": -1})), 400, "binary_data_size is -1"),
    "size of text": (ENCODE, of(tensor(parameters={"binary_data_size": "1"})), 400, "expected an integer"),
    "fewer bytes": (
        ENCODE,
        binary_body({"inputs": [binary_tensor(RAW)]}, RAW[1:]),
        400,
        "1567 bytes came behind the JSON, binary_data_size of all inputs together is 1568",
    ),
    "more bytes": (ENCODE, binary_body({"inputs": [binary_tensor(RAW)]}, RAW, b"x"), 400, "1569 bytes came"),
    "bytes of another shape": (ENCODE, raw_of(RAW, shape=[1, 28, 28]), 400, "1568 elements came"),
    "half a number": (ENCODE, raw_of(RAW[:-1], datatype="INT16"), 400, "1567 bytes of INT16 came"),
    "header behind the body": (ENCODE, text("{}", inference_header_content_length="3"), 400, "the body has 2 bytes"),
    "header of text": (ENCODE, text("{}", inference_header_content_length="-1"), 400, "'-1', expected a number of"),
    "header of many digits": (ENCODE, text("{}", inference_header_content_length="9" * 5000), 400, "a number of bytes"),
    "whole body empty": (ENCODE, whole(b""), 400, "the body is empty"),
    "whole body of part": (ENCODE, whole(RAW[:-1]), 400, "got 1567 bytes, expected a multiple of 784"),
    "whole body of part of a code": (DECODE, whole(bytes(15)), 400, "whole codes of 4 float32"),
    "whole body of a cut file": (ENCODE, whole(b"\x89PNG\r\n\x1a\n"), 400, "image 0"),
    "unknown model": ("/v2/models/x/infer", of(tensor(PIXELS)), 404, "there is no model 'x'; there are digits, digits"),
    "unknown version": ("/v2/models/digits/versions/9/infer", of(tensor(PIXELS)), 404, "9"),
    "version 0": ("/v2/models/digits/versions/0/infer", of(tensor(PIXELS)), 404, "there is no version '0'"),
    "unknown label": ("/v2/models/digits/versions/x/infer", of(tensor(PIXELS)), 404, "'x'"),
    "unknown route": ("/v2/models/digits/config", of(tensor(PIXELS)), 404, "no route '/v2/models/digits/config'"),
    "unknown encoding": (ENCODE, text("{}", content_encoding="br"), 415, "'br', expected gzip or deflate"),
    "two encodings": (ENCODE, text("{}", content_encoding="gzip, gzip"), 415, "expected gzip or deflate"),
    "no gzip": (ENCODE, text("{}", content_encoding="gzip"), 400, "the body is not gzip"),
    "cut gzip": (ENCODE, text(gzip.compress(b"{}")[:-9], content_encoding="gzip"), 400, "ends too early"),
    "gzip and more": (ENCODE, text(gzip.compress(b"{}") * 2, content_encoding="gzip"), 400, "bytes came behind"),
    "gzip bomb": (ENCODE, text(gzip.compress(bytes(2**21)), content_encoding="gzip"), 413, "more than 1048576 bytes"),
    "large body": (ENCODE, text(bytes(2**20 + 1)), 413, "1048577 bytes"),
    "timeout 0": (ENCODE, text("{}", x_request_timeout="0"), 400, "X-Request-Timeout is '0'"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusals(http: httpx.AsyncClient, log: LineLog, name: str) -> None:
    """Each has its status and its text, and is no failure of ours."""
    path, request, status, part = REFUSALS[name]
    answer = await http.post(path, **request)

    assert status == answer.status_code, answer.text
    assert ["error"] == list(answer.json())
    assert part in answer.json()["error"]
    assert ["info"] == [level for level, _, _ in log.lines]


@pytest.mark.parametrize("name", ["gzip", "deflate"])
async def test_compressed_requests(http: httpx.AsyncClient, name: str) -> None:
    """Both codings are inflated; lengths are those of what comes out."""
    request = raw_of(RAW)
    compress = gzip.compress if name == "gzip" else zlib.compress
    headers = {**request["headers"], "content-encoding": name}
    answer = await http.post(ENCODE, content=compress(request["content"]), headers=headers)

    assert 200 == answer.status_code


@pytest.mark.parametrize(
    ("failure", "status", "level"),
    [
        (BackendError("the model failed"), 500, "error"),
        (BackendContractError("codes are NaN"), 500, "error"),
        (OverloadedError("100 rows wait, the limit is 100"), 429, "info"),
        (ValueError("secret"), 500, "error"),
    ],
)
async def test_failures_of_ours(
    http: httpx.AsyncClient, backend: FakeBackend, log: LineLog, failure: Exception, status: int, level: str
) -> None:
    """They have their status; an unknown exception's text stays in the log."""
    backend.failure = failure
    answer = await http.post(ENCODE, **of(tensor(PIXELS)))

    assert status == answer.status_code
    assert "secret" not in answer.text
    assert ("1" if status == 429 else None) == answer.headers.get("retry-after")
    assert level == log.lines[0][0]


async def test_not_ready_says_when_to_try_again(http: httpx.AsyncClient, backend: FakeBackend) -> None:
    """While nothing is loaded."""
    backend.versions = []
    answer = await http.post(ENCODE, **of(tensor(PIXELS)))

    assert (503, "1") == (answer.status_code, answer.headers["retry-after"])


async def test_deadline_is_kept() -> None:
    """The header is that of our own door."""
    async with open_client(build_inference_app(build_context(HeldBackend()))) as client:
        request = of(tensor(PIXELS))
        answer = await client.post(ENCODE, headers={"x-request-timeout": "0.05"}, **request)

    assert 504 == answer.status_code


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", ENCODE, "POST"),
        ("POST", "/v2", "GET, HEAD"),
        ("PUT", "/v2/repository/index", "POST"),
        ("DELETE", "/v2/models/digits", "GET, HEAD"),
    ],
)
async def test_wrong_method(http: httpx.AsyncClient, method: str, path: str, allow: str) -> None:
    """The answer names the right one."""
    answer = await http.request(method, path)

    assert (405, allow) == (answer.status_code, answer.headers["allow"])
    assert "error" in answer.json()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
likely_keys = st.sampled_from(["name", "datatype", "shape", "data", "parameters"])
likely_values = st.sampled_from(["images", "UINT8", "FP32", "BYTES", [1, 28, 28], [2], [0.5], ["aaaa"], {"a": 1}])
inputs = st.dictionaries(likely_keys, likely_values | json_values, max_size=5)
documents = st.fixed_dictionaries(
    {"inputs": st.lists(inputs | json_values, max_size=2)},
    optional={"id": json_values, "parameters": json_values, "outputs": json_values},
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents, tail=st.binary(max_size=8))
async def test_random_requests_are_never_our_failure(
    http: httpx.AsyncClient, document: dict[str, Any], tail: bytes
) -> None:
    """Whatever JSON comes, with bytes behind it or not."""
    header = json.dumps(document).encode()
    answer = await http.post(ENCODE, content=header + tail, headers={HEADER: str(len(header))})

    assert answer.status_code in {200, 400, 413}, answer.text


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=900),
    header=st.none() | st.integers(0, 900).map(str) | st.text("0123456789-+ .e", min_size=1, max_size=6),
    encoding=st.sampled_from(["", "gzip", "deflate", "br"]),
)
async def test_random_bytes_are_never_our_failure(
    http: httpx.AsyncClient, body: bytes, header: str | None, encoding: str
) -> None:
    """Whatever bytes come, whatever the headers say of them."""
    headers = {"content-encoding": encoding} | ({HEADER: header} if header else {})
    answer = await http.post(ENCODE, content=body, headers=headers)

    assert answer.status_code in {200, 400, 413, 415}, answer.text


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.lists(st.sampled_from(["models", "digits", "versions", "1", "", "%2F", "ready", "ü"]), max_size=6))
async def test_random_paths_are_never_our_failure(http: httpx.AsyncClient, path: list[str]) -> None:
    """Whatever comes behind /v2."""
    answer = await http.get("/".join(["/v2", *path]))

    assert answer.status_code in {200, 404, 405}, answer.text
