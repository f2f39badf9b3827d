"""Health, metadata and the repository index over REST, and callers who leave."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from support.fakes import CODE_DIM, NO_VERSION, FakeBackend, HeldBackend
from support.http_door import DISCONNECT, Caller, LineLog, body_message, build_context, build_scope, open_client
from support.inference_calls import IMAGES

from service import __version__
from service.api.inference import build_inference_app
from service.api.inference.rest_failures import STATUSES
from service.domain import VersionStatus
from service.errors import DigitCodecError


class LoadingBackend(FakeBackend):
    """Version 2 answers, 3 loads, 1 could not be loaded and 4 is on its way out."""

    def describe(self) -> list[VersionStatus]:
        """Every version, newest first."""
        loading = VersionStatus(3, "LOADING")
        broken = VersionStatus(1, "END", error="no signature encode")
        return [VersionStatus(4, "UNLOADING"), loading, replace(super().describe()[0], labels=("stable",)), broken]


async def get(http: httpx.AsyncClient, path: str) -> tuple[int, Any]:
    """Status and document of a page."""
    answer = await http.get(path)
    return answer.status_code, answer.json()


async def test_server_metadata(http: httpx.AsyncClient) -> None:
    """Who answers, and what it can do beyond the protocol."""
    expected = {
        "name": "digitcodec",
        "version": __version__,
        "extensions": ["binary_tensor_data", "model_repository"],
    }
    assert (200, expected) == await get(http, "/v2")
    assert (200, expected) == await get(http, "/v2/")


async def test_live_and_ready(http: httpx.AsyncClient, backend: FakeBackend) -> None:
    """Live whatever happens; ready while a version answers."""
    assert (200, {"ready": True}) == await get(http, "/v2/health/ready")
    backend.versions = []

    status, document = await get(http, "/v2/health/ready")
    assert (503, ["error"]) == (status, list(document))
    assert (200, {"live": True}) == await get(http, "/v2/health/live")


async def test_models_are_listed(http: httpx.AsyncClient) -> None:
    """One for each signature, and one that lets callers choose."""
    expected = {"models": ["digits", "digits-encode", "digits-decode", "digits-reconstruct"]}
    assert (200, expected) == await get(http, "/v2/models")


@pytest.mark.parametrize("path", ["/v2/models/digits-decode", "/v2/models/digits-decode/versions/1"])
async def test_model_metadata(http: httpx.AsyncClient, path: str) -> None:
    """Versions are strings, newest first; the width of codes is the model's."""
    images = {"name": "images", "datatype": "UINT8", "shape": [-1, 28, 28]}
    expected = {
        "name": "digits-decode",
        "versions": ["2", "1"],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": "codes", "datatype": "FP32", "shape": [-1, CODE_DIM]}],
        "outputs": [images],
    }
    assert (200, expected) == await get(http, path)


async def test_open_model_describes_its_default(http: httpx.AsyncClient) -> None:
    """`digits` runs `reconstruct` unless told otherwise."""
    _, document = await get(http, "/v2/models/digits")

    shapes = {output["name"]: output["shape"] for output in document["outputs"]}
    expected = {"reconstructions": [-1, 28, 28], "codes": [-1, CODE_DIM], "errors": [-1], "anomaly_scores": [-1]}
    assert expected == shapes


async def test_metadata_while_nothing_is_known(http: httpx.AsyncClient, backend: FakeBackend) -> None:
    """A model that still loads has no version, and codes of a width that nobody knows."""
    backend.versions = []
    for path in ("/v2/models/digits-encode", "/v2/models/digits-encode/versions/1"):
        status, document = await get(http, path)

        assert 200 == status
        assert ([], [-1, -1]) == (document["versions"], document["outputs"][0]["shape"])


@pytest.mark.parametrize("version", ["", "/versions/1", "/versions/stable"])
async def test_model_is_ready(http: httpx.AsyncClient, version: str) -> None:
    """The newest version, a number or a label."""
    expected = {"name": "digits-encode", "ready": True}
    assert (200, expected) == await get(http, f"/v2/models/digits-encode{version}/ready")


@pytest.mark.parametrize(
    ("version", "status"), [("2", 200), ("stable", 200), ("3", 503), ("4", 503), ("1", 503), ("9", 404), ("x", 404)]
)
async def test_readiness_follows_the_version(version: str, status: int) -> None:
    """Loading, leaving and broken ones are not ready; unknown ones are not found."""
    async with open_client(build_inference_app(build_context(LoadingBackend(2)))) as client:
        assert status == (await get(client, f"/v2/models/digits/versions/{version}/ready"))[0]


@pytest.mark.parametrize(
    "path", ["health/ready", "models/digits/ready", "models/digits/versions/1/ready", "models/digits/versions/x/ready"]
)
async def test_what_is_not_ready_says_why(http: httpx.AsyncClient, backend: FakeBackend, path: str) -> None:
    """In the backend's words."""
    backend.versions = []

    assert (503, {"error": NO_VERSION}) == await get(http, f"/v2/{path}")


async def test_version_that_is_not_ready_beside_one_that_is() -> None:
    """The service itself is well, so that the text names the version."""
    async with open_client(build_inference_app(build_context(LoadingBackend(2)))) as client:
        expected = (503, {"error": "version 3 of digits-encode cannot answer now"})
        assert expected == await get(client, "/v2/models/digits-encode/versions/3/ready")


@pytest.mark.parametrize("path", ["", "/ready", "/versions/1/ready"])
async def test_unknown_models_are_not_found(http: httpx.AsyncClient, path: str) -> None:
    """The text says which there are."""
    status, document = await get(http, f"/v2/models/digit{path}")

    assert 404 == status
    assert "there is no model 'digit'; there are digits, digits-encode" in document["error"]


@pytest.mark.parametrize(
    "path", ["/v2/health", "/v2/models/digits/versions", "/v2/models/digits/x", "/v2/models//x", "/v2/logging"]
)
async def test_unknown_routes_are_not_found(http: httpx.AsyncClient, path: str) -> None:
    """What other servers have beyond the protocol, we may not."""
    status, document = await get(http, path)

    assert 404 == status
    assert "there is no route" in document["error"]


async def test_index_tells_states() -> None:
    """Every version of every model, in the words of the extension."""
    async with open_client(build_inference_app(build_context(LoadingBackend(2)))) as client:
        entries = (await client.post("/v2/repository/index")).json()

    first = [
        {"name": "digits", "version": "4", "state": "UNLOADING", "reason": ""},
        {"name": "digits", "version": "3", "state": "LOADING", "reason": ""},
        {"name": "digits", "version": "2", "state": "READY", "reason": ""},
        {"name": "digits", "version": "1", "state": "UNAVAILABLE", "reason": "no signature encode"},
    ]
    assert first == entries[:4]
    assert 16 == len(entries)


@pytest.mark.parametrize(("body", "count"), [(b"", 16), (b"{}", 16), (b'{"ready": false}', 16), (b'{"ready":true}', 4)])
async def test_index_of_what_is_ready(body: bytes, count: int) -> None:
    """The body is optional."""
    async with open_client(build_inference_app(build_context(LoadingBackend(2)))) as client:
        answer = await client.post("/v2/repository/index", content=body)

    assert (200, count) == (answer.status_code, len(answer.json()))


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"ready": 1}'])
async def test_index_refuses_other_bodies(http: httpx.AsyncClient, body: bytes) -> None:
    """They are the caller's mistake."""
    assert 400 == (await http.post("/v2/repository/index", content=body)).status_code


async def test_index_refuses_large_bodies(http: httpx.AsyncClient) -> None:
    """It is parsed where it may hold nobody up."""
    assert 413 == (await http.post("/v2/repository/index", content=b" " * 2**17)).status_code


async def test_head_is_get(http: httpx.AsyncClient) -> None:
    """Some probes ask so; the server leaves out the body."""
    assert 200 == (await http.head("/v2/health/ready")).status_code


async def test_operation_is_never_a_strangers_text(http: httpx.AsyncClient, log: LineLog) -> None:
    """The log and the metrics name what is asked for, not the path."""
    for path in ("/v2/models/digits/ready", "/v2/health/live", "/v2/" + "x" * 500):
        await http.get(path)

    assert ["model-ready", "live", "unknown"] == [fields["operation"] for _, _, fields in log.lines]


async def test_caller_who_leaves_frees_his_place(log: LineLog) -> None:
    """The work is cancelled, and the log says why there is no answer."""
    backend = HeldBackend()
    app = build_inference_app(build_context(backend, log=log))
    header = (b"inference-header-content-length", b"0")
    caller = Caller(body_message(IMAGES.tobytes()))

    async def answer() -> None:
        await app(build_scope("/v2/models/digits/infer", header), caller.receive, caller.send)

    answering = asyncio.create_task(answer())
    async with asyncio.timeout(10):
        await backend.entered.wait()
        await caller.asked.wait()
        caller.incoming.put_nowait(DISCONNECT)
        await answering

    assert [] == caller.sent
    assert (499, "client_disconnected") == (log.lines[0][2]["status"], log.lines[0][2]["reason"])


def test_every_error_has_a_status() -> None:
    """A new class of errors must be put into the table, or lie under one that is there."""

    def walk(kind: type[DigitCodecError]) -> list[type[DigitCodecError]]:
        return [deeper for child in kind.__subclasses__() for deeper in (child, *walk(child))]

    for kind in walk(DigitCodecError):
        # Other doors' own errors never come here.
        if kind.__module__ == DigitCodecError.__module__:
            assert DigitCodecError is not next(base for base in kind.__mro__ if base in STATUSES), kind
