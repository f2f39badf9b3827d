"""Every failure of a REST request: TensorFlow Serving's status and text, as its pretty-printed error object."""

import asyncio
import gzip
import json
import zlib
from typing import Any

import pytest
from support.fakes import FakeBackend, HeldBackend, count_images
from support.http_door import LineLog, build_codec, build_context, open_client

from service.api.grpc.status import CODES as SHARED_CODES
from service.api.tfserving import build_serving_app
from service.api.tfserving.status import CODES, HTTP_STATUSES
from service.errors import BackendError, MalformedRequestError
from service.settings import LimitSettings

IMAGE = count_images(1)[0].tolist()
GOOD = {"instances": [IMAGE]}
CODE = [0.0, 1.0, 2.0, 3.0]
LIMITS = LimitSettings(max_rows=100, max_body_bytes=1_000_000)


def predict(model: str = "digits") -> str:
    """The path of a prediction."""
    return f"/v1/models/{model}:predict"


def with_pixel(pixel: Any) -> list[Any]:
    """The image with another first pixel."""
    return [[pixel, *IMAGE[0][1:]], *IMAGE[1:]]


def decode(*codes: Any) -> dict[str, Any]:
    """A body with codes."""
    return {"signature_name": "decode", "instances": list(codes)}


CASES: dict[str, tuple[str, Any, int, str]] = {
    "unknown model": (predict("foo"), GOOD, 404, "Servable not found for request: Latest(foo)"),
    "unknown model with version": (
        predict("foo/versions/99"),
        GOOD,
        404,
        "Servable not found for request: Specific(foo, 99)",
    ),
    "unknown version": (
        predict("digits/versions/99"),
        GOOD,
        404,
        "Servable not found for request: Specific(digits, 99)",
    ),
    "unknown label": (predict("digits/labels/X"), GOOD, 400, "Unrecognized servable version label: X"),
    "version of too many digits": (
        predict("digits/versions/" + "9" * 19),
        GOOD,
        400,
        f"Failed to convert version: {'9' * 19} to numeric.",
    ),
    "unknown signature": (
        predict(),
        {**GOOD, "signature_name": "X"},
        400,
        'Serving signature name: "X" not found in signature def',
    ),
    "signature that is no string": (
        predict(),
        {**GOOD, "signature_name": 1},
        400,
        "JSON Value not formatted correctly. 'signature_name' key must be a string value.",
    ),
    "empty body": (predict(), b"", 400, "JSON Parse error: The document is empty"),
    "blank body": (predict(), b" \n", 400, "JSON Parse error: The document is empty"),
    "broken JSON": (
        predict(),
        b'{"instances": [}',
        400,
        "JSON Parse error: unexpected character, expected a JSON value",
    ),
    "no object": (predict(), [1], 400, "JSON Value: list Is not object"),
    "both forms": (
        predict(),
        {**GOOD, "inputs": [IMAGE]},
        400,
        "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist",
    ),
    "neither form": (predict(), {"signature_name": "encode"}, 400, "Missing 'inputs' or 'instances' key"),
    "instances that are no list": (predict(), {"instances": 1}, 400, "Excepting 'instances' to be an list/array"),
    "no instances": (predict(), {"instances": []}, 400, "No values in 'instances' array"),
    "no inputs": (
        predict(),
        {"inputs": []},
        400,
        "images without a row came in 'inputs', expected a list of at least one",
    ),
    "inputs that are no list": (
        predict(),
        {"inputs": {"images": 1}},
        400,
        "images without a row came in 'inputs', expected a list of at least one",
    ),
    "wrong name in a column": (predict(), {"inputs": {"a": 1}}, 400, "Missing named input: images in 'inputs' object."),
    "wrong name in a row": (
        predict(),
        {"instances": [{"images": IMAGE}, {"a": 1}]},
        400,
        "Failed to process element: 1 of 'instances' list. JSON object: {'a'} keys must be equal to: images",
    ),
    "two names in a row": (
        predict(),
        {"instances": [{"images": IMAGE, "a": 1}]},
        400,
        "Failed to process element: 0 of 'instances' list. JSON object: {'a','images'} keys must be equal to: images",
    ),
    "object among values": (
        predict(),
        {"instances": [IMAGE, {"images": IMAGE}]},
        400,
        "Expecting value/list but got object at item 1 of input list",
    ),
    "value among objects": (
        predict(),
        {"instances": [{"images": IMAGE}, IMAGE]},
        400,
        "Expecting object but got list at item 1 of input list",
    ),
    "float pixel": (
        predict(),
        {"instances": [IMAGE, with_pixel(1.0)]},
        400,
        "image 1: row 0, column 0: got 1.0, expected an integer in 0..255",
    ),
    "pixel out of range": (
        predict(),
        {"instances": [with_pixel(256)]},
        400,
        "image 0: row 0, column 0: got 256, expected an integer in 0..255",
    ),
    "boolean pixel": (
        predict(),
        {"instances": [with_pixel(True)]},  # noqa: FBT003 - JSON's
        400,
        "image 0: row 0, column 0: got a boolean, expected an integer in 0..255",
    ),
    "flat image": (predict(), {"inputs": [[0] * 784]}, 400, "image 0: got 784 rows, expected 28"),
    "image that is text": (predict(), {"inputs": ["b64"]}, 400, "image 0: got a string, expected a list of 28 rows"),
    "code that is text": (predict(), decode(CODE, "code"), 400, "code 1: not a list of numbers"),
    "code with a boolean": (predict(), decode([True]), 400, "code 0: not a list of numbers"),
    "ragged codes": (predict(), decode(CODE, [1.0]), 400, "code 1: got 1 numbers, expected 4 as in the first"),
    "code beyond float32": (predict(), decode([1e39, 0, 0, 0]), 400, "row 0, column 0: got 1e+39, expected a finite"),
    "code of another width": (predict(), decode([1, 2]), 400, "codes of shape (1, 2) came, expected (n, 4)"),
    "too many rows": (predict(), decode(*[CODE] * 101), 400, "101 rows came, the limit is 100"),
    "too many bytes": (predict(), b"[" * 1_000_001, 400, "a body of 1000001 bytes is announced, the limit is 1000000"),
    "nesting without end": (predict(), b"[" * 200_000, 400, "JSON Parse error: "),
    "classify": (
        "/v1/models/digits:classify",
        {"examples": []},
        400,
        "Expected classification signature method_name to be tensorflow/serving/classify. Was: tensorflow/serving/",
    ),
    "regress": (
        "/v1/models/digits/versions/1:regress",
        {"examples": []},
        400,
        "Expected regression signature method_name to be tensorflow/serving/regress. Was: tensorflow/serving/predict",
    ),
    "classify by another model": (
        "/v1/models/foo:classify",
        {},
        404,
        "Servable not found for request: Latest(foo)",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_post_is_refused(case: str) -> None:
    """One case; the error object is pretty-printed and holds nothing else."""
    path, body, status, text = CASES[case]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with open_client(build_serving_app(build_context(limits=LIMITS))) as client:
        response = await client.post(path, content=content)

    assert (status, "application/json") == (response.status_code, response.headers["content-type"])
    assert response.content.startswith(b'{\n  "error": ')
    assert response.json()["error"].startswith(text)
    assert ["error"] == list(response.json())


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
async def test_numbers_that_are_not_finite_are_named(token: str) -> None:
    """Python's json module writes them without being asked; the caller is told which of their numbers it is."""
    body = f'{{"signature_name": "decode", "instances": [[0, {token}, 0, 0]]}}'.encode()
    async with open_client(build_serving_app(build_context())) as client:
        response = await client.post(predict(), content=body)

    assert 400 == response.status_code
    assert "NaN or Infinity, expected a finite number at offset: 4" in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("GET", "/v1/models/versions/3", 400, "Missing model name in request."),
        ("GET", "/v1/models/foo", 404, "Could not find any versions of model foo"),
        ("GET", "/v1/models/digits/versions/9", 404, "Could not find version 9 of model digits"),
        ("GET", "/v1/models/foo/metadata", 404, "Servable not found for request: Latest(foo)"),
        ("GET", "/v1/models/digits/versions/9/metadata", 404, "Servable not found for request: Specific(digits, 9)"),
        ("GET", "/v1/models/digits/labels/X/metadata", 400, "Unrecognized servable version label: X"),
        ("GET", "/v1/models/digits:predict", 400, "Malformed request: GET /v1/models/digits:predict"),
        ("GET", "/v1/models/", 400, "Malformed request: GET /v1/models/"),
        ("GET", "/v1", 400, "Malformed request: GET /v1"),
        ("GET", "/v1/models/digits/versions/\u0661", 400, "Malformed request: GET /v1/models/digits/versions/\u0661"),
        ("POST", "/v1/models/digits", 400, "Malformed request: POST /v1/models/digits"),
        ("POST", "/v1/models/digits:guess", 400, "Malformed request: POST /v1/models/digits:guess"),
        ("POST", "/v1/models/digits/versions/x:predict", 400, "Malformed request: POST /v1/models/digits/versions/x:"),
        ("DELETE", "/v1/models/digits", 400, "Malformed request: DELETE /v1/models/digits"),
        ("GET", "/v1/" + "x" * 5000, 400, "Malformed request: GET /v1/xxx"),
    ],
)
async def test_path_leads_nowhere(method: str, path: str, status: int, text: str) -> None:
    """TensorFlow Serving's own answers, and no text is longer than a reader can bear."""
    async with open_client(build_serving_app(build_context())) as client:
        response = await client.request(method, path)

    assert status == response.status_code
    assert response.json()["error"].startswith(text)
    assert 1000 >= len(response.json()["error"])


async def test_before_the_first_version() -> None:
    """By label TensorFlow Serving's own text, else ours."""
    backend = FakeBackend()
    backend.versions.clear()
    async with open_client(build_serving_app(build_context(backend))) as client:
        by_label = await client.post(predict("digits/labels/stable"), json=GOOD)
        newest = await client.post(predict(), json=GOOD)

    assert (503, {"error": "Model labels does not init yet."}) == (by_label.status_code, by_label.json())
    assert (503, {"error": "no version can answer yet"}) == (newest.status_code, newest.json())


async def test_full_queue() -> None:
    """503 and TensorFlow Serving's text, though our other doors say 429."""
    backend = HeldBackend()
    context = build_context(backend, codec=build_codec(backend, max_queue_rows=1))
    async with open_client(build_serving_app(context)) as client:
        first = asyncio.create_task(client.post(predict(), json=GOOD))
        await backend.wait_for_batches(1)
        refusal = await client.post(predict(), json={"instances": [IMAGE, IMAGE]})
        backend.gate.set()
        await first

    text = "The batch scheduling queue to which this task was submitted is full"
    assert (503, {"error": text}) == (refusal.status_code, refusal.json())


async def test_backend_failure_and_unknown_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are 500; the text of the second is for the log alone."""
    backend, log = FakeBackend(), LineLog()
    backend.failure = BackendError("broke")
    context = build_context(backend, log=log)
    async with open_client(build_serving_app(context)) as client:
        broken = await client.post(predict(), json=GOOD)

        def fail() -> list[Any]:
            raise RuntimeError("secret")

        monkeypatch.setattr(context.codec, "describe", fail)
        odd = await client.get("/v1/models/digits")

    assert (500, {"error": "broke"}, 500) == (broken.status_code, broken.json(), odd.status_code)
    assert "secret" not in odd.text
    assert [BackendError, RuntimeError] == [type(fields["exc_info"]) for _, _, fields in log.lines]


async def test_timeout_that_is_none() -> None:
    """As at our own HTTP door."""
    async with open_client(build_serving_app(build_context())) as client:
        response = await client.post(predict(), json=GOOD, headers={"x-request-timeout": "soon"})

    assert (400, True) == (response.status_code, "'soon'" in response.json()["error"])


PLAIN = json.dumps(GOOD).encode()
ZIPPED = gzip.compress(PLAIN)


@pytest.mark.parametrize(
    ("body", "encoding", "text"),
    [
        (PLAIN, "gzip", "the body is not gzip"),
        (zlib.compress(PLAIN), "gzip", "is not gzip"),
        (ZIPPED[:-4], "gzip", "the gzip body ends too early"),
        (b"", "gzip", "the gzip body ends too early"),
        (ZIPPED + b"tail", "gzip", "4 bytes came behind the end"),
        (PLAIN, "br", "Content-Encoding is 'br', expected gzip"),
    ],
)
async def test_bodies_that_cannot_be_inflated(body: bytes, encoding: str, text: str) -> None:
    """Nothing is guessed."""
    async with open_client(build_serving_app(build_context())) as client:
        response = await client.post(predict(), content=body, headers={"content-encoding": encoding})

    assert 400 == response.status_code
    assert text in response.json()["error"]


async def test_gzip_bomb_is_refused_within_the_limit() -> None:
    """Sixty kilobytes that hold a thousand times as much are given up at the limit."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join([*(bomb.compress(bytes(2**20)) for _ in range(64)), bomb.flush()])
    log = LineLog()
    async with open_client(build_serving_app(build_context(limits=LIMITS, log=log))) as client:
        response = await client.post(predict(), content=body, headers={"content-encoding": "gzip"})

    assert (400, "too_large") == (response.status_code, log.lines[0][2]["reason"])
    assert "the gzip body holds more than 1000000 bytes, which is the limit" == response.json()["error"]


def test_every_error_has_a_code_and_every_code_a_status() -> None:
    """The door's table holds what the shared one does, and REST knows all its codes."""
    assert SHARED_CODES.keys() <= CODES.keys()
    assert set(CODES.values()) <= HTTP_STATUSES.keys()
    assert SHARED_CODES[MalformedRequestError] == CODES[MalformedRequestError]
