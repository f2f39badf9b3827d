"""`:predict` over REST: both JSON forms, both ways, paths in every spelling, and compressed bodies."""

import asyncio
import gzip
import json
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.types import ASGIApp
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
from support.http_door import (
    DISCONNECT,
    Caller,
    CountingExecutor,
    LineLog,
    body_message,
    build_context,
    build_scope,
    open_client,
)
from support.tfserving_door import StagedBackend

from service.api.tfserving import build_serving_app
from service.domain import Rows

IMAGES = count_images(3)
PIXELS = IMAGES.tolist()
CODES = fake_codes(IMAGES)
PREDICT = "/v1/models/digits:predict"
RECONSTRUCTED: dict[str, Rows] = {
    "reconstructions": fake_reconstructions(IMAGES),
    "codes": CODES,
    "errors": fake_errors(IMAGES),
    "anomaly_scores": fake_scores(IMAGES),
}


async def post(app: ASGIApp, body: Any, path: str = PREDICT, **options: Any) -> httpx.Response:
    """One request; a body that is not bytes becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with open_client(app) as client:
        return await client.post(path, content=content, **options)


def build_app(backend: FakeBackend | None = None, **options: Any) -> ASGIApp:
    """The application over a fake backend."""
    return build_serving_app(build_context(backend, **options))


@pytest.mark.parametrize("signature", [None, "", "serving_default", "reconstruct"])
async def test_row_form_with_several_outputs_answers_objects(signature: str | None) -> None:
    """One object a row, float32 numbers that read back exactly."""
    body = {"instances": PIXELS} | ({} if signature is None else {"signature_name": signature})
    response = await post(build_app(), body)

    assert (200, "application/json") == (response.status_code, response.headers["content-type"])
    predictions = response.json()["predictions"]
    assert [RECONSTRUCTED.keys()] * 3 == [row.keys() for row in predictions]
    for name, expected in RECONSTRUCTED.items():
        np.testing.assert_array_equal(expected, np.array([row[name] for row in predictions], expected.dtype))


async def test_column_form_with_several_outputs_answers_named_tensors() -> None:
    """One tensor an output."""
    outputs = (await post(build_app(), {"inputs": PIXELS})).json()["outputs"]

    assert RECONSTRUCTED.keys() == outputs.keys()
    for name, expected in RECONSTRUCTED.items():
        np.testing.assert_array_equal(expected, np.array(outputs[name], expected.dtype))


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"instances": PIXELS}, "predictions"),
        ({"instances": [{"images": image} for image in PIXELS]}, "predictions"),
        ({"inputs": PIXELS}, "outputs"),
        ({"inputs": {"images": PIXELS}}, "outputs"),
        ({"inputs": {"images": PIXELS, "other": 1}}, "outputs"),
    ],
)
async def test_one_output_is_bare(body: dict[str, Any], key: str) -> None:
    """Every way to write the one input, and the form of the answer follows that of the question."""
    document = (await post(build_app(), {"signature_name": "encode", **body})).json()

    assert [key] == list(document)
    np.testing.assert_array_equal(CODES, np.array(document[key], np.float32))


async def test_decode_takes_integers_and_floats() -> None:
    """Codes are numbers; JSON's integers are fine for them."""
    codes = [[0.25, 1, 2, 0], [1, 1, 1, 1]]
    document = (await post(build_app(), {"signature_name": "decode", "instances": codes})).json()

    assert fake_pictures(np.array(codes, np.float32)).tolist() == document["predictions"]


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/v1/models/digits:predict", 5),
        ("/V1/Models/digits:PREDICT", 5),
        ("/v1/models/digits/versions/2:predict", 2),
        ("/v1/models/digits/Versions/02:predict", 2),
        ("/v1/models/digits/labels/stable:predict", 2),
        ("/v1/models/di%67its/labels/st%61ble%3Apredict", 2),
        ("/v1/models/digits/labels/n%C3%A4chste:predict", 5),
        ("/v1/models/digits:predict?ignored=1", 5),
    ],
)
async def test_path_variants(path: str, version: int) -> None:
    """The case of all but names is free, and paths are decoded; version and label choose."""
    log = LineLog()
    app = build_app(FakeBackend(2, 5, labels={"stable": 2, "nächste": 5}), log=log)
    response = await post(app, {"instances": PIXELS}, path)

    assert (200, version) == (response.status_code, log.lines[0][2]["version"])


async def test_path_below_a_prefix() -> None:
    """A proxy may have mounted the service somewhere."""
    caller = Caller(body_message(json.dumps({"instances": PIXELS}).encode()))
    scope = build_scope("/below" + PREDICT, (b"content-length", b"9")) | {"root_path": "/below"}
    await build_app()(scope, caller.receive, caller.send)

    assert 200 == caller.status


async def test_label_that_only_the_backend_knows_is_tried() -> None:
    """Behind TensorFlow Serving the labels are that server's."""
    backend, log = StagedBackend(2, 5), LineLog()
    backend.secret_labels = {"stable": 2}
    await post(build_app(backend, log=log), {"instances": PIXELS}, "/v1/models/digits/labels/stable:predict")

    assert 2 == log.lines[0][2]["version"]


@pytest.mark.parametrize("encoding", ["gzip", "GZip"])
async def test_gzip_bodies_are_inflated(encoding: str) -> None:
    """Off the event loop: a few bytes may hold much."""
    bulk = CountingExecutor()
    body = gzip.compress(json.dumps({"instances": PIXELS, "signature_name": "encode"}).encode())
    response = await post(build_app(bulk=bulk), body, headers={"content-encoding": encoding})

    np.testing.assert_array_equal(CODES, np.array(response.json()["predictions"], np.float32))
    assert 1 == bulk.submitted


async def test_large_requests_are_read_and_rendered_off_the_loop() -> None:
    """Small ones are not."""
    bulk = CountingExecutor()
    app = build_app(bulk=bulk)
    await post(app, {"instances": PIXELS})
    assert 0 == bulk.submitted
    response = await post(app, {"instances": count_images(65).tolist()})

    assert (2, 65) == (bulk.submitted, len(response.json()["predictions"]))


async def test_line_and_request_id() -> None:
    """The canonical line of a good and of a bad request; the answer has the id."""
    log = LineLog()
    app = build_app(log=log)
    good = await post(app, {"instances": PIXELS}, headers={"x-request-id": "mine"})
    await post(app, {"instances": PIXELS}, "/v1/models/digits/versions/9:predict")
    await post(app, {}, "/v1/nowhere")

    shown = ("door", "operation", "status", "reason", "rows", "version")
    assert [
        ["tfs-http", "predict", 200, None, 3, 1],
        ["tfs-http", "predict", 404, "not_found", 3, None],
        ["tfs-http", "unroutable", 400, "malformed_request", None, None],
    ] == [[fields[name] for name in shown] for _, _, fields in log.lines]
    assert ("mine", "mine") == (good.headers["x-request-id"], log.lines[0][2]["request_id"])


async def test_caller_who_leaves_ends_the_work() -> None:
    """Nobody is answered, and the log says so."""
    backend, log = HeldBackend(), LineLog()
    body = json.dumps({"instances": PIXELS}).encode()
    caller = Caller(body_message(body))
    scope = build_scope(PREDICT, (b"content-length", str(len(body)).encode()))
    app = build_app(backend, log=log)
    work = asyncio.ensure_future(app(scope, caller.receive, caller.send))
    await backend.wait_for_batches(1)
    caller.incoming.put_nowait(DISCONNECT)
    await work
    backend.gate.set()

    assert ([], 499, "client_disconnected") == (caller.sent, log.lines[0][2]["status"], log.lines[0][2]["reason"])


async def test_timeout_of_the_caller() -> None:
    """X-Request-Timeout is honoured as at our own HTTP door."""
    backend = HeldBackend()
    response = await post(build_app(backend), {"instances": PIXELS}, headers={"x-request-timeout": "0.05"})
    backend.gate.set()

    assert 504 == response.status_code
