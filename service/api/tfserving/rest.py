"""The REST application of TensorFlow Serving's API, for every path below /v1."""

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.types import ASGIApp

from service.api.context import DoorContext
from service.api.exchange import Door, Exchange
from service.api.http.answers import JSON, HttpAnswer
from service.api.http.frame import Frame, HttpRequest
from service.api.http.inflate import find_encoding, measure, open_body
from service.api.http.metrics import TF_SERVING_METRICS_PATH
from service.api.http.query import parse_timeout
from service.api.http.watch import CallerWatch
from service.api.reading import render_rows, run_by_size
from service.api.tfserving.metadata import render_metadata_document
from service.api.tfserving.predict import Ask, predict
from service.api.tfserving.routes import PROBES, find_route
from service.api.tfserving.rows import PredictBody, parse_predict_body, render_answer
from service.api.tfserving.states import render_states, render_states_document
from service.api.tfserving.status import answer_json, render_rest_failure
from service.api.tfserving.versions import find_version
from service.api.tfserving.words import wrong_method
from service.backends import contract
from service.domain import Timings

DOOR = Door("tfs-http")
# What the log calls the operation of a request whose path leads nowhere.
_UNROUTABLE = "unroutable"


def build_serving_app(context: DoorContext) -> ASGIApp:
    """The application; it answers every path that it is given, if only to say that nothing is there."""
    open_paths = frozenset({TF_SERVING_METRICS_PATH} if context.open_metrics else ())
    handler = RestHandler(context)
    return Frame(DOOR, _UNROUTABLE, handler, render_rest_failure, context, probes=PROBES, open_paths=open_paths)


class RestHandler:
    """Answers requests; raises core errors, which the frame renders."""

    def __init__(self, context: DoorContext) -> None:
        self._context = context
        self._codec = context.codec
        self._operations: dict[str, Callable[[HttpRequest, Ask], Awaitable[HttpAnswer]]] = {
            "predict": self._predict,
            "classify": partial(self._refuse, "classification"),
            "regress": partial(self._refuse, "regression"),
            "metadata": self._tell_metadata,
            "status": self._tell_status,
            "metrics": self._tell_metrics,
        }

    async def __call__(self, request: HttpRequest, exchange: Exchange) -> HttpAnswer:
        """Answer one request."""
        route = find_route(request.method, request.path)
        exchange.operation = route.operation
        deadline = self._context.find_deadline(parse_timeout(request.headers.get(b"x-request-timeout")))
        return await self._operations[route.operation](request, Ask(route.spec, deadline, exchange))

    async def _predict(self, request: HttpRequest, ask: Ask) -> HttpAnswer:
        ask.spec.check_model(self._codec.model_name)
        self._context.check_room(request.body.announced_bytes, ask.exchange.origin.caller)
        with CallerWatch(request.receive, ask.deadline, request.watched) as watch:
            body = await self._read_body(request, watch, ask.exchange.origin.timings)
            outputs = contract.OUTPUTS[body.signature]
            answer = await predict(self._context, ask, body.signature, outputs, body.rows)
            render = partial(render_answer, answer, is_row_form=body.is_row_form)
            return HttpAnswer(200, (JSON,), await render_rows(render, len(body.rows), self._context.bulk))

    async def _read_body(self, request: HttpRequest, watch: CallerWatch, timings: Timings) -> PredictBody:
        encoding, limits = find_encoding(request.headers), self._context.limits
        chunks = await request.body.read()
        watch.listen()

        def parse() -> PredictBody:
            return parse_predict_body(open_body(chunks, encoding, limits.max_body_bytes), limits.max_rows)

        size_bytes = measure(chunks, encoding, limits.max_body_bytes)
        return await run_by_size(parse, size_bytes, self._context.bulk, timings)

    async def _refuse(self, kind: str, request: HttpRequest, ask: Ask) -> HttpAnswer:  # noqa: ARG002 - an operation
        ask.spec.check_model(self._codec.model_name)
        raise wrong_method(kind, ask.exchange.operation)

    async def _tell_metadata(self, request: HttpRequest, ask: Ask) -> HttpAnswer:  # noqa: ARG002 - an operation
        ask.spec.check_model(self._codec.model_name)
        status = await find_version(self._context, ask)
        ask.exchange.version = status.version
        return answer_json(200, render_metadata_document(self._codec.model_name, status))

    async def _tell_status(self, request: HttpRequest, ask: Ask) -> HttpAnswer:  # noqa: ARG002 - an operation
        response = render_states(ask.spec, self._codec.model_name, self._codec.describe())
        return answer_json(200, render_states_document(response))

    async def _tell_metrics(self, request: HttpRequest, ask: Ask) -> HttpAnswer:  # noqa: ARG002 - an operation
        accept = request.headers.get(b"accept", b"").decode("latin-1")
        body, content_type = self._context.metrics.render(accept)
        return HttpAnswer(200, ((b"content-type", content_type.encode("ascii")),), body)
