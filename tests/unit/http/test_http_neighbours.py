"""Other protocols beside our own routes: who answers which path, and what the OpenAPI document says of them."""

from typing import Any

import pytest
from support.fakes import FakeBackend, count_images
from support.http_door import LineLog, build_context, open_client
from support.tfserving_door import StagedBackend

from service.doors import build_gateway_app
from service.errors import BackendError, DeadlineExceededError, NotReadyError, OverloadedError

IMAGES = count_images(1).tolist()
BODIES: dict[str, Any] = {
    "infer": {"inputs": [{"name": "images", "shape": [1, 28, 28], "datatype": "UINT8", "data": IMAGES}]},
    "predict": {"instances": IMAGES},
    "index": {},
}
LABELLED = (
    "/v1/models/{model}/labels/{label}/metadata",
    "/v2/models/{model}/versions/{version}",
    "/v2/models/{model}/versions/{version}/ready",
)
VALUES = {"version": "1", "label": "stable"}


def build_backend() -> FakeBackend:
    """Version 1, called stable."""
    return FakeBackend(1, labels={"stable": 1})


async def read_document() -> dict[str, Any]:
    """The OpenAPI document of the whole gateway."""
    async with open_client(build_gateway_app(build_context(build_backend()))) as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


def fill(path: str) -> str:
    """A documented path with values that exist."""
    for name, value in VALUES.items():
        path = path.replace(f"{{{name}}}", value)
    return path.replace("{model}", "digits")


async def test_every_documented_route_answers() -> None:
    """With 200, where the request is good."""
    document = await read_document()
    paths = {path: item for path, item in document["paths"].items() if path.startswith(("/v1", "/v2"))}
    async with open_client(build_gateway_app(build_context(build_backend()))) as client:
        for path, item in paths.items():
            (method,) = item
            body = next((body for name, body in BODIES.items() if path.endswith(name)), None)
            answer = await client.request(method, fill(path), json=body)
            assert 200 == answer.status_code, (path, answer.text)

    assert len(paths) > 15


@pytest.mark.parametrize("path", LABELLED)
@pytest.mark.parametrize(
    "failure", [BackendError("broke"), OverloadedError("full"), DeadlineExceededError("late"), NotReadyError("away")]
)
async def test_failures_by_a_label_of_the_model_server_are_documented(path: str, failure: Exception) -> None:
    """Only the server behind knows the label, so that it is asked, and may fail in every way."""
    documented = (await read_document())["paths"][path]["get"]["responses"]
    backend = StagedBackend(1)
    backend.secret_labels, backend.failure = {"canary": 1}, failure
    filled = path.replace("{model}", "digits").replace("{label}", "canary").replace("{version}", "canary")
    async with open_client(build_gateway_app(build_context(backend))) as client:
        assert str((await client.get(filled)).status_code) in documented


async def test_reference_page_shows_them() -> None:
    """A reader finds every protocol on one page."""
    async with open_client(build_gateway_app(build_context(build_backend()))) as client:
        page = (await client.get("/docs")).text

    assert "/v1/models/{model}:predict" in page
    assert "/v2/models/{model}/infer" in page


@pytest.mark.parametrize(
    ("path", "shape"),
    [("/v1/nothing", "error"), ("/V1/nothing", "error"), ("/v2/nothing", "error"), ("/v10", "reason")],
)
async def test_unknown_path_is_told_by_whom_it_belongs_to(path: str, shape: str) -> None:
    """Each protocol refuses in its own words; what is no protocol's is ours."""
    async with open_client(build_gateway_app(build_context(build_backend()))) as client:
        answer = await client.get(path)

    assert answer.status_code in {400, 404}
    assert shape in answer.json()


async def test_good_answers_to_probes_are_no_news() -> None:
    """Machines ask every second; a line each would bury the rest."""
    log = LineLog()
    async with open_client(build_gateway_app(build_context(build_backend(), log=log))) as client:
        for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/digits/ready", "/v1/models/digits"):
            await client.get(path)
        await client.get("/v1/models/other")

    assert ["debug"] * 4 + ["info"] == [level for level, _, _ in log.lines]
