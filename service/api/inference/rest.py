"""The REST door of the Open Inference Protocol."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp

from service.api.context import DoorContext
from service.api.exchange import Door, Exchange
from service.api.http.answers import HttpAnswer
from service.api.http.frame import Frame, HttpRequest
from service.api.http.query import parse_timeout
from service.api.http.watch import CallerWatch
from service.api.inference.fields import take
from service.api.inference.json_answer import render_json
from service.api.inference.json_request import load_object
from service.api.inference.metadata import describe_model, describe_server, is_model_ready, list_index
from service.api.inference.models import list_models
from service.api.inference.rest_failures import answer_failure
from service.api.inference.rest_infer import answer_infer
from service.api.inference.routes import OPEN_PATHS, PROBES, Route, check_method, find_route
from service.api.reading import INLINE_BYTES
from service.codec import Codec
from service.domain import Deadline, Origin
from service.errors import NotReadyError, PayloadTooLargeError

OIP_HTTP = Door("oip-http")


def build_inference_app(context: DoorContext) -> ASGIApp:
    """The ASGI application for every path that is /v2 or begins with /v2/."""
    return Frame(OIP_HTTP, "unknown", _Handler(context), answer_failure, context, probes=PROBES, open_paths=OPEN_PATHS)


class _Handler:
    """Answers requests."""

    def __init__(self, context: DoorContext) -> None:
        self._context = context

    async def __call__(self, request: HttpRequest, exchange: Exchange) -> HttpAnswer:
        """Answer one request."""
        route = find_route(request.path)
        exchange.operation = route.action
        check_method(request.method, route, request.path)
        if route.action == "infer":
            return await answer_infer(request, route, self._context, exchange)
        if route.action == "index":
            return await self._answer_index(request)
        if route.action in _MODEL_PAGES:
            deadline = self._context.find_deadline(parse_timeout(request.headers.get(b"x-request-timeout")))
            page = _MODEL_PAGES[route.action]
            return render_json(await page(route, self._context.codec, deadline, exchange.origin))
        return render_json(_PAGES[route.action](self._context.codec))

    async def _answer_index(self, request: HttpRequest) -> HttpAnswer:
        with CallerWatch(request.receive, self._context.find_deadline(None), request.watched):
            body = b"".join(await request.body.read())
        if len(body) > INLINE_BYTES:
            raise PayloadTooLargeError(f"a body of {len(body)} bytes came, the limit of this route is {INLINE_BYTES}")
        only_ready = take(load_object(body), "ready", bool) if body else False
        return render_json(list_index(self._context.codec, only_ready=bool(only_ready)))


def _answer_ready(codec: Codec) -> dict[str, Any]:
    if not codec.is_ready():
        raise NotReadyError(codec.explain())
    return {"ready": True}


async def _answer_model(route: Route, codec: Codec, deadline: Deadline, origin: Origin) -> dict[str, Any]:
    return await describe_model(route.model, route.version, codec, deadline, origin)


async def _answer_model_ready(route: Route, codec: Codec, deadline: Deadline, origin: Origin) -> dict[str, Any]:
    if not await is_model_ready(route.model, route.version, codec, deadline, origin):
        what = f"version {route.version} of {route.model}" if route.version else route.model
        raise NotReadyError(codec.explain() or f"{what} cannot answer now")
    return {"name": route.model, "ready": True}


_PAGES: dict[str, Callable[[Codec], dict[str, Any]]] = {
    "server-metadata": lambda _: describe_server(),
    "live": lambda _: {"live": True},
    "ready": _answer_ready,
    "models": lambda codec: {"models": [model.name for model in list_models(codec.model_name)]},
}
_MODEL_PAGES: dict[str, Callable[[Route, Codec, Deadline, Origin], Awaitable[dict[str, Any]]]] = {
    "model-metadata": _answer_model,
    "model-ready": _answer_model_ready,
}
