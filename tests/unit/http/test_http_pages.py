"""Probes, models, the reference page and the OpenAPI document; FastAPI's own errors in our shape."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import httpx
import pytest
from fastapi import HTTPException
from fastapi.responses import StreamingResponse
from support.fakes import FAKE_SIGNATURES, NO_VERSION, FakeBackend
from support.http_door import Caller, LineLog, body_message, build_door, build_scope, open_client

from service.api.http.door import HttpDoor
from service.api.http.problems import PROBLEMS


@pytest.fixture
def backend() -> FakeBackend:
    """A backend with one version."""
    return FakeBackend(1, 2, labels={"stable": 1})


@pytest.fixture
def log() -> LineLog:
    """The lines of the door."""
    return LineLog()


@pytest.fixture
def door(backend: FakeBackend, log: LineLog) -> HttpDoor:
    """The door with three routes that fail."""
    door = cast("HttpDoor", build_door(backend, log=log))

    @door.get("/broken")
    async def broken() -> None:
        raise ValueError("the secret is 1234")

    @door.get("/teapot/{status}")
    async def teapot(status: int) -> None:
        raise HTTPException(status, "short and stout")

    return door


@pytest.fixture
async def client(door: HttpDoor) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door."""
    async with open_client(door) as opened:
        yield opened


async def test_probes_answer_three_different_questions(client: httpx.AsyncClient, backend: FakeBackend) -> None:
    """Loading, serving and draining differ in readiness and start, never in life."""
    versions = backend.versions
    seen = []
    for state in ([], versions, []):
        backend.versions = state
        seen.append([(await client.get(path)).status_code for path in ("/livez", "/readyz", "/startupz")])

    assert [[200, 503, 503], [200, 200, 200], [200, 503, 200]] == seen


@pytest.mark.parametrize("probe", ["/readyz", "/startupz"])
async def test_unready_probe_says_why_and_when_to_come_back(
    client: httpx.AsyncClient, backend: FakeBackend, probe: str
) -> None:
    """503 is a problem document with the backend's reason and Retry-After."""
    backend.versions = []
    answer = await client.get(probe)
    problem = answer.json()

    assert ("not_ready", NO_VERSION, "1") == (problem["reason"], problem["detail"], answer.headers["retry-after"])


async def test_models_are_described(client: httpx.AsyncClient) -> None:
    """Both routes give the same description, newest version first."""
    models, model = (await client.get("/models")).json(), (await client.get("/models/digits")).json()

    assert {"models": [model]} == models
    assert ("digits", True, 0.99, [2, 1]) == (
        model["name"],
        model["ready"],
        model["default_threshold"],
        [version["version"] for version in model["versions"]],
    )
    assert {
        "version": 1,
        "state": "AVAILABLE",
        "error": None,
        "labels": ["stable"],
        "code_dim": 4,
        "signatures": FAKE_SIGNATURES,
        "missing": [],
        "model_card": {"recipe": "fake"},
    } == model["versions"][1]


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/models/other", 404, "not_found"),
        ("GET", "/nowhere", 404, "not_found"),
        ("POST", "/models", 405, "method_not_allowed"),
        ("DELETE", "/encode", 405, "method_not_allowed"),
        ("GET", "/teapot/x", 400, "malformed_request"),
        ("GET", "/teapot/418", 400, "malformed_request"),
        ("GET", "/teapot/413", 413, "too_large"),
        ("GET", "/teapot/503", 503, "not_ready"),
        ("GET", "/teapot/507", 500, "internal"),
        ("GET", "/broken", 500, "internal"),
    ],
)
async def test_every_error_leaves_in_one_shape(
    client: httpx.AsyncClient, method: str, path: str, status: int, reason: str
) -> None:
    """Starlette's and FastAPI's errors are problem documents too, and hold no exception text."""
    answer = await client.request(method, path, headers={"x-request-id": "mine"})
    problem = answer.json()

    assert (status, reason, status, path) == (
        answer.status_code,
        problem["reason"],
        problem["status"],
        problem["instance"],
    )
    assert ("application/problem+json", "mine") == (answer.headers["content-type"], answer.headers["x-request-id"])
    assert {"type", "title", "status", "detail", "instance", "reason", "request_id", "errors"} == problem.keys()
    assert "1234" not in answer.text


@pytest.mark.parametrize(("path", "allow"), [("/encode", "OPTIONS, POST"), ("/models", "GET, HEAD, OPTIONS")])
async def test_methods_are_told(client: httpx.AsyncClient, path: str, allow: str) -> None:
    """405 and OPTIONS name the same methods."""
    refused, asked = await client.put(path), await client.options(path)

    assert (405, allow, 204, allow) == (
        refused.status_code,
        refused.headers["allow"],
        asked.status_code,
        asked.headers["allow"],
    )


async def test_one_line_for_each_request_and_a_traceback_for_our_own_failure(
    client: httpx.AsyncClient, log: LineLog
) -> None:
    """Probes are quiet, strangers' paths never become names, unknown exceptions are whole in the log."""
    for path in ("/livez", "/models/digits", "/x%0Ay", "/broken"):
        await client.get(path)

    assert [
        ("debug", "livez", 200, None),
        ("info", "models/{name}", 200, None),
        ("info", "unknown", 404, "not_found"),
        ("error", "broken", 500, "internal"),
    ] == [(level, line["operation"], line["status"], line["reason"]) for level, _, line in log.lines]
    assert "the secret is 1234" == str(log.lines[-1][2]["exc_info"])


async def test_reference_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    """No script, no other host; and a policy that would stop both."""
    answer = await client.get("/docs")

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert [] == re.findall(r"<script|<link|<img|src=|https?://(?!door/)[^\s<]*", answer.text)


async def test_reference_describes_every_route_and_reason(client: httpx.AsyncClient) -> None:
    """Each `type` of a problem leads to a place that exists."""
    page = (await client.get("/docs")).text
    document = (await client.get("/openapi.json")).json()
    anchors = set(re.findall(r'id="([^"]+)"', page))

    assert {f"problem-{kind.reason}" for kind in PROBLEMS} <= anchors
    assert {item["operationId"] for path in document["paths"].values() for item in path.values()} <= anchors


async def test_websocket_is_turned_away(door: HttpDoor) -> None:
    """There is no such route; the handshake is refused, not left open."""
    caller = Caller({"type": "websocket.connect"})
    await door({**build_scope("/encode"), "type": "websocket"}, caller.receive, caller.send)

    assert ["websocket.close"] == [message["type"] for message in caller.sent]


async def test_failure_within_an_answer_is_logged_and_not_answered_twice(door: HttpDoor, log: LineLog) -> None:
    """What has begun cannot become a problem document."""

    def pieces() -> Iterator[bytes]:
        yield b"first"
        raise ValueError("a mistake")

    @door.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(pieces())

    caller = Caller(body_message(b""))
    await door(build_scope("/stream", method="GET"), caller.receive, caller.send)

    assert (1, "error") == (
        sum(message["type"] == "http.response.start" for message in caller.sent),
        log.lines[0][0],
    )


async def test_routes_hold_below_a_prefix(door: HttpDoor) -> None:
    """A proxy may mount the service anywhere."""
    transport = httpx.ASGITransport(cast("Any", door), root_path="/codec")
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        answers = [await client.request(*call) for call in (("GET", "/codec/livez"), ("OPTIONS", "/codec/encode"))]

    assert [200, 204] == [answer.status_code for answer in answers]
