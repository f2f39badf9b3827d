"""The OpenAPI document and docs/http.md say what the door does: no status more, none less."""

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Any, Never

import httpx
import pytest
from fastapi.routing import APIRoute
from support.fakes import FakeBackend, HeldBackend, count_images, fake_codes
from support.http_door import build_codec, build_context, build_door, open_client
from support.key_gate import RingGate

from service.api.http.operations import OPERATIONS
from service.codec import Codec
from service.doors import build_gateway_app
from service.errors import BackendError
from service.settings import LimitSettings

IMAGES = count_images(2)
DOCUMENT_OF_PEOPLE = Path(__file__).parents[3] / "docs" / "http.md"


class BrokenCodec(Codec):
    """A core with a mistake in every method."""

    def __init__(self) -> None:
        super().__init__(FakeBackend(), _NoLanes(), model_name="digits", max_rows=2)

    def is_ready(self) -> bool:
        """Fail."""
        raise ValueError("a mistake")

    def has_started(self) -> bool:
        """Fail."""
        raise ValueError("a mistake")


class _NoLanes:
    async def submit(self, *_: object) -> Never:
        """Fail."""
        raise ValueError("a mistake")


def request_for(operation: str, **changes: str) -> dict[str, Any]:
    """A good request of an operation, with other headers if wished."""
    body = {"codes": fake_codes(IMAGES).tolist()} if operation == "decode" else {"images": IMAGES.tolist()}
    return {"json": body, "headers": changes}


async def provoke(operation: str) -> set[int]:
    """The statuses that one operation gives to a set of requests that try everything."""
    path = f"/{operation}"
    faulty = {"codes": [["x"]]} if operation == "decode" else {"images": [7]}
    async with open_client(build_door()) as client:
        answers = [
            await client.post(path, **request_for(operation)),
            await client.post(path, json={}),
            await client.post(f"{path}?version=9", **request_for(operation)),
            await client.post(path, **request_for(operation, accept="text/csv")),
            await client.post(path, content=b"x"),
            await client.post(path, json=faulty),
        ]
    answers += [
        await call(operation, limits=LimitSettings(max_rows=1)),
        await call(operation, codec=BrokenCodec()),
        await call(operation, backend=failing()),
        await call(operation, backend=loading()),
        await call(operation, timeout="0.01", backend=HeldBackend()),
    ]
    answers.append(await call(operation, gate=RingGate()))
    return {answer.status_code for answer in answers} | {await overload(operation)}


async def call(operation: str, timeout: str = "9", **options: Any) -> httpx.Response:  # noqa: ASYNC109 - a header's value
    """One good request to a door with a fault."""
    async with open_client(build_door(**options)) as client:
        return await client.post(f"/{operation}", **request_for(operation, **{"x-request-timeout": timeout}))


def failing() -> FakeBackend:
    """A backend that fails at every batch."""
    backend = FakeBackend()
    backend.failure = BackendError("no")
    return backend


def loading() -> FakeBackend:
    """A backend without a version."""
    backend = FakeBackend()
    backend.versions = []
    return backend


async def overload(operation: str) -> int:
    """The status of a request that finds the queue full."""
    backend = HeldBackend()
    app = build_door(codec=build_codec(backend, max_queue_rows=2))
    async with open_client(app) as client:
        first = asyncio.create_task(client.post(f"/{operation}", **request_for(operation)))
        await backend.entered.wait()
        others = [asyncio.create_task(client.post(f"/{operation}", **request_for(operation))) for _ in range(2)]
        done, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        backend.gate.set()
        await asyncio.gather(first, *others)
    return done.pop().result().status_code


async def read_document() -> dict[str, Any]:
    """The OpenAPI document as it is served."""
    async with open_client(build_door()) as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


@pytest.mark.parametrize("operation", ["encode", "decode", "reconstruct", "score"])
async def test_documented_statuses_are_those_that_can_be_reached(operation: str) -> None:
    """One provoking request for each status, and no status is left over."""
    document = await read_document()

    assert {int(status) for status in document["paths"][f"/{operation}"]["post"]["responses"]} == await provoke(
        operation
    )


async def test_documented_statuses_of_pages_can_be_reached() -> None:
    """The same for the routes that FastAPI documents."""
    document = await read_document()
    documented = {
        path: {int(status) for status in item["get"]["responses"]}
        for path, item in document["paths"].items()
        if "get" in item
    }
    reached: dict[str, set[int]] = defaultdict(set)
    for options in ({}, {"backend": loading()}, {"codec": BrokenCodec()}, {"gate": RingGate()}):
        async with open_client(build_door(**options)) as client:
            for path in documented:
                reached[path].add((await client.get(path.replace("{name}", "digits"))).status_code)
    async with open_client(build_door()) as client:
        reached["/models/{name}"].add((await client.get("/models/other")).status_code)

    assert documented == reached


async def test_every_route_is_documented() -> None:
    """In the OpenAPI document, and in docs/http.md with its parameters and headers."""
    document = await read_document()
    app: Any = build_door()
    routes = {route.path for route in app.routes if isinstance(route, APIRoute) and route.include_in_schema}
    text = DOCUMENT_OF_PEOPLE.read_text(encoding="utf-8")

    assert routes | {operation.path for operation in OPERATIONS} <= document["paths"].keys()
    words = set(document["paths"]) | document["components"]["headers"].keys()
    words |= {
        each["name"] for item in document["paths"].values() for each in item.get("post", {}).get("parameters", [])
    }
    words |= {media for operation in OPERATIONS for media in (*operation.parsers, *operation.renderers)}
    assert [] == sorted(word for word in words if f"`{word}`" not in text)


async def test_hot_routes_document_their_formats_and_parameters() -> None:
    """What the endpoint takes is what the document says."""
    paths = (await read_document())["paths"]
    for operation in OPERATIONS:
        item = paths[operation.path]["post"]
        assert list(operation.parsers) == list(item["requestBody"]["content"])
        assert list(operation.renderers) == list(item["responses"]["200"]["content"])
        assert operation.parameters == {each["name"] for each in item["parameters"] if each["in"] == "query"}


async def test_references_in_the_document_lead_somewhere() -> None:
    """Every $ref names a component that exists."""
    document = await read_document()

    def walk(node: Any) -> list[str]:
        if isinstance(node, list):
            return [ref for child in node for ref in walk(child)]
        if not isinstance(node, dict):
            return []
        return [ref for key, child in node.items() for ref in ([child] if key == "$ref" else walk(child))]

    for ref in walk(document):
        place: Any = document
        for step in ref.removeprefix("#/").split("/"):
            place = place[step]
        assert place


async def test_answers_match_their_schemas() -> None:
    """Keys of JSON answers are those of the document: at least the required ones, and all where all are asked for."""
    document = await read_document()
    async with open_client(build_door()) as client:
        for operation in OPERATIONS:
            answer = (await client.post(operation.path, **request_for(operation.name))).json()
            schema = document["components"]["schemas"][f"{operation.name.capitalize()}Answer"]
            assert schema["required"] == list(answer)
            if "include" in operation.parameters:
                blank = {"images": [*IMAGES.tolist(), [[0] * 28] * 28]}
                path = f"{operation.path}?preprocess=mnist&include=normalised"
                answer = (await client.post(path, json=blank)).json()
            assert schema["properties"].keys() == answer.keys()


async def test_document_says_which_routes_may_ask_for_a_key() -> None:
    """Those that are answered 401 without one, at all doors, and no others."""
    document = await _read_gateway_document()
    app, paths = build_gateway_app(build_context(gate=RingGate())), document["paths"]
    asking = {
        (method, path)
        for path, item in paths.items()
        for method, operation in item.items()
        if {"bearer": []} in operation.get("security", [])
    }
    async with open_client(app) as client:
        refused = {
            (method, path)
            for path, item in paths.items()
            for method in item
            if (await client.request(method, path.replace("{", "").replace("}", ""))).status_code == 401
        }

    assert {"bearer", "apiKey"} == set(document["components"]["securitySchemes"])
    assert refused == asking


async def _read_gateway_document() -> dict[str, Any]:
    """The document with the other protocols' routes."""
    async with open_client(build_gateway_app(build_context())) as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document
