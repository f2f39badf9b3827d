"""Builds the HTTP door: the hot routes in front, a FastAPI application for everything else."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service import __version__
from service.api.context import DoorContext
from service.api.http.endpoints import build_endpoint
from service.api.http.frame import find_path
from service.api.http.metrics import build_metrics_router
from service.api.http.neighbours import Neighbour
from service.api.http.openapi import build_document
from service.api.http.operations import OPERATIONS
from service.api.http.pages import Pages, add_problem_handlers
from service.api.http.playground import build_playground_router
from service.api.http.reference import PAGE_HEADERS, render_reference
from service.api.http.status import build_status_router


class HttpDoor(FastAPI):
    """A FastAPI application that answers the hot routes before its own machinery begins.

    Exact paths are looked up in a dict: FastAPI's middlewares and router would cost several times as much.
    """

    def __init__(self) -> None:
        super().__init__(
            title="digitcodec",
            version=__version__,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,  # a redirect would lead to whatever host the Host header names
        )
        self._hot: Mapping[str, ASGIApp] = {}
        self._neighbours: Mapping[str, ASGIApp] = {}
        self._documented: dict[str, Any] = {}
        self._pages: ASGIApp = super().__call__

    def put_in_front(
        self, hot: Mapping[str, ASGIApp], neighbours: Mapping[str, Neighbour], context: DoorContext
    ) -> None:
        """Let these applications answer, and wrap all other routes for ids, problems and logs.

        Args:
            hot: By their whole path.
            neighbours: By the first step of their paths.
            context: What the wrapping needs.
        """
        self._hot = hot
        self._neighbours = {step: neighbour.app for step, neighbour in neighbours.items()}
        self._documented = {path: item for each in neighbours.values() for path, item in each.paths.items()}
        self._pages = Pages(super().__call__, context)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a connection to whom it is for."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        path = find_path(scope)
        answer = self._hot.get(path) or self._neighbours.get(_find_first_step(path).lower()) or self._pages
        await answer(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of all routes, the hot ones too; made once."""
        if self.openapi_schema is None:
            self.openapi_schema = build_document(self.routes, self._documented)
        return self.openapi_schema


def _find_first_step(path: str) -> str:
    end = path.find("/", 1)
    return path if end < 0 else path[:end]


def build_http_app(context: DoorContext, neighbours: Mapping[str, Neighbour] | None = None) -> HttpDoor:
    """The HTTP door over a codec.

    Args:
        context: The core, the limits and the log.
        neighbours: Other protocols, by the first step of their paths, for example `/v2`.
    """
    door = HttpDoor()
    door.include_router(build_status_router(context.codec))
    door.include_router(build_metrics_router(context.metrics))
    door.include_router(build_playground_router())
    _add_reference(door)
    add_problem_handlers(door)
    hot = {operation.path: build_endpoint(operation, context) for operation in OPERATIONS}
    door.put_in_front(hot, neighbours or {}, context)
    return door


def _add_reference(door: HttpDoor) -> None:
    @door.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        base = str(request.base_url).rstrip("/")
        return HTMLResponse(render_reference(door.openapi(), base), headers=PAGE_HEADERS)
