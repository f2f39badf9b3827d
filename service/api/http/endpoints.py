"""The hot routes as plain ASGI endpoints: a FastAPI route would cost more than all the rest of the way."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from starlette.types import ASGIApp

from service.api.context import DoorContext
from service.api.exchange import Exchange
from service.api.http.answers import HttpAnswer
from service.api.http.frame import HTTP, Frame, HttpRequest
from service.api.http.media import JSON, choose_format
from service.api.http.operations import Operation
from service.api.http.parsing import find_parser, parse_body
from service.api.http.problems import PROBLEMS, MethodNotAllowedError, render_problem
from service.api.http.query import Options, parse_options, parse_timeout
from service.api.http.rendering import Renderer
from service.api.http.watch import CallerWatch
from service.api.reading import ReadContext, UndecodedRows, read_rows, render_rows
from service.api.remarks import Remarks, find_remarks
from service.domain import Deadline, Rows
from service.errors import MalformedRequestError, find_by_class, hide_unknown

ALLOWED_METHODS = "OPTIONS, POST"


class _Head(NamedTuple):
    """What the head of a request asks for."""

    options: Options
    render: Renderer
    parse: Callable[[list[bytes]], UndecodedRows]


def build_endpoint(operation: Operation, context: DoorContext) -> ASGIApp:
    """The ASGI application of one operation."""
    return Frame(HTTP, operation.name, OperationHandler(operation, context), answer_failure, context)


class OperationHandler:
    """Answers requests for one operation."""

    def __init__(self, operation: Operation, context: DoorContext) -> None:
        self._operation = operation
        self._formats = tuple(operation.renderers)
        self._context = context

    async def __call__(self, request: HttpRequest, exchange: Exchange) -> HttpAnswer:
        """Answer one request."""
        if request.method != "POST":
            return self._answer_method(request.method)
        context = self._context
        deadline = context.find_deadline(parse_timeout(request.headers.get(b"x-request-timeout")))
        head = self._parse_head(request, deadline)
        context.check_room(request.body.announced_bytes, exchange.origin.caller)
        with CallerWatch(request.receive, deadline, request.watched) as watch:
            chunks = await request.body.read()
            watch.listen()
            size_bytes = sum(map(len, chunks))
            parse, timings = partial(head.parse, chunks), exchange.origin.timings
            rows = await read_rows(parse, size_bytes, head.options.preprocess, context.bulk, timings)
            exchange.rows = len(rows)
            result = await self._operation.run(context.codec, rows, head.options, deadline, exchange.origin)
            exchange.version = result.version
            remarks = None if head.options.is_plain else await self._find_remarks(rows, head.options)
            render = partial(head.render, result, context.codec.model_name, remarks)
            return await render_rows(render, len(rows), context.bulk)

    async def _find_remarks(self, rows: Rows, options: Options) -> Remarks:
        is_wanted = options.is_picture_wanted
        return await find_remarks(rows, options.preprocess, self._context.bulk, is_picture_wanted=is_wanted)

    def _answer_method(self, method: str) -> HttpAnswer:
        if method == "OPTIONS":
            return HttpAnswer(204, ((b"allow", ALLOWED_METHODS.encode()),))
        detail = f"{self._operation.path} has no method {method}, it has {ALLOWED_METHODS}"
        raise MethodNotAllowedError(detail, allow=ALLOWED_METHODS)

    def _parse_head(self, request: HttpRequest, deadline: Deadline) -> _Head:
        options = parse_options(request.query, self._operation.parameters)
        media_type = choose_format(request.headers.get(b"accept"), self._formats)
        if options.is_picture_wanted and media_type != JSON:
            raise MalformedRequestError(
                f"include asks for pictures beside an answer of {media_type}, only {JSON} has them"
            )
        parser = find_parser(self._operation.parsers, request.headers)
        limits = self._context.limits
        context = ReadContext(
            options.preprocess,
            limits.max_rows,
            self._context.image_limits,
            deadline,
            request.headers[b"content-type"],
        )
        return _Head(options, self._operation.renderers[media_type], partial(parse_body, parser, context=context))


def answer_failure(error: Exception, request: HttpRequest, exchange: Exchange) -> HttpAnswer:
    """The problem document for an exception; what only the log may tell is noted for it."""
    return answer_problem(error, request.path, exchange)


def answer_problem(error: Exception, path: str, exchange: Exchange) -> HttpAnswer:
    """The same for a path alone."""
    shown = hide_unknown(error)
    exchange.finish(find_by_class(PROBLEMS, shown).status, shown.reason)
    exchange.note_failure(error)
    return render_problem(shown, request_id=exchange.request_id, instance=path)
