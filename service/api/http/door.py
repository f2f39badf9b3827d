"""Builds the HTTP door: the hot routes in front, a FastAPI application for everything else."""

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service import __version__
from service.api.http.endpoints import DoorContext, OperationEndpoint
from service.api.http.exchange import Log, build_id_source, find_path
from service.api.http.openapi import build_document
from service.api.http.operations import OPERATIONS
from service.api.http.pages import Pages, add_problem_handlers
from service.api.http.reference import PAGE_HEADERS, render_reference
from service.api.http.status import build_status_router
from service.codec import Codec
from service.settings import LimitSettings


class HttpDoor(FastAPI):
    """A FastAPI application that answers the hot routes before its own machinery begins.

    Exact paths are looked up in a dict: FastAPI's middlewares and router would cost several times as much.
    """

    def __init__(self) -> None:
        super().__init__(title="digitcodec", version=__version__, docs_url=None, redoc_url=None)
        self._hot: Mapping[str, ASGIApp] = {}
        self._pages: ASGIApp = super().__call__

    def put_in_front(self, hot: Mapping[str, ASGIApp], context: DoorContext) -> None:
        """Let these applications answer their paths, and wrap all other routes for ids, problems and logs."""
        self._hot = hot
        self._pages = Pages(super().__call__, context)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a connection to whom it is for."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        answer = self._hot.get(find_path(scope)) or self._pages
        await answer(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of all routes, the hot ones too; made once."""
        if self.openapi_schema is None:
            self.openapi_schema = build_document(self.routes)
        return self.openapi_schema


def build_http_app(codec: Codec, limits: LimitSettings, bulk: Executor, log: Log | None = None) -> HttpDoor:
    """The HTTP door over a codec.

    Args:
        codec: The core; the caller starts and stops what is behind it.
        limits: What one request may ask for.
        bulk: Runs the parsing and rendering of large requests; the caller shuts it down.
        log: Takes one line a request; by default structlog's, as it is configured.
    """
    context = DoorContext(codec, limits, bulk, log or structlog.get_logger(), build_id_source())
    door = HttpDoor()
    door.include_router(build_status_router(codec))
    _add_reference(door)
    add_problem_handlers(door)
    hot = {operation.path: OperationEndpoint(operation, context) for operation in OPERATIONS}
    door.put_in_front(hot, context)
    return door


def _add_reference(door: HttpDoor) -> None:
    @door.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        base = str(request.base_url).rstrip("/")
        return HTMLResponse(render_reference(door.openapi(), base), headers=PAGE_HEADERS)

    @door.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        # Relative, so that it holds below a proxy's prefix too.
        return RedirectResponse("docs")
