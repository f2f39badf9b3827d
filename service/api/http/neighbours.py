"""Other protocols' applications beside our own routes: what they answer, and how the OpenAPI document shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp

from service.api.http.media import JSON

Document = dict[str, Any]

_ERROR: Document = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "What came, and what was expected."}},
}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One protocol's application.

    Attributes:
        app: Answers every path below its first step.
        paths: Its routes for the OpenAPI document.
    """

    app: ASGIApp
    paths: Mapping[str, Document] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Described:
    """One route for the OpenAPI document.

    Attributes:
        method: In lower case.
        path: With its parameters in braces.
        operation_id: Unique in the document.
        summary: What it does, in a few words.
        failures: Statuses that it may answer beside 200, and beside 401 where a key may be asked for.
        body: Media types that it takes; none for a route without a body.
        is_body_optional: True where the body may be left out.
        answer: JSON type of a good answer.
        is_open: True where nobody needs a key.
    """

    method: str
    path: str
    operation_id: str
    summary: str
    failures: Sequence[int] = ()
    body: Sequence[str] = ()
    is_body_optional: bool = False
    answer: str = "object"
    is_open: bool = False


def describe_paths(tag: str, description: str, routes: Sequence[Described]) -> dict[str, Document]:
    """The routes of one protocol as the OpenAPI document has them.

    Args:
        tag: Groups them.
        description: Where a reader finds the protocol's own words; the same for all.
        routes: What there is.
    """
    return {route.path: {route.method: _describe(route, tag, description)} for route in routes}


def _describe(route: Described, tag: str, description: str) -> Document:
    names = [part.partition("}")[0] for part in route.path.split("{")[1:]]
    failures = route.failures if route.is_open else sorted({401, *route.failures})
    good: Document = {"description": "The protocol's answer.", "content": {JSON: {"schema": {"type": route.answer}}}}
    operation: Document = {
        "operationId": route.operation_id,
        "tags": [tag],
        "summary": route.summary,
        "description": description,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": _MEANINGS[name]}
            for name in names
        ],
        "responses": {"200": good, **{str(status): _describe_failure(status) for status in failures}},
    }
    if route.body:
        schema = {"type": "object", "description": "As the protocol has it."}
        operation["requestBody"] = {
            "required": not route.is_body_optional,
            "content": {each: {"schema": schema} for each in route.body},
        }
    return operation


_MEANINGS = {
    "model": "Name of the model.",
    "version": "Version number.",
    "label": "Label of a version.",
}


def _describe_failure(status: int) -> Document:
    return {"description": HTTPStatus(status).phrase, "content": {JSON: {"schema": _ERROR}}}
