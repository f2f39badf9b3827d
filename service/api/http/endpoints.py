"""The hot routes as plain ASGI endpoints: a FastAPI route would cost more than all the rest of the way."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from starlette.types import Receive, Scope, Send

from service.api.http.answers import HttpAnswer
from service.api.http.body import RequestBody
from service.api.http.exchange import Exchange, Log, find_request_id
from service.api.http.media import choose_format
from service.api.http.operations import Operation
from service.api.http.parsing import ParseContext, ParsedBody, find_parser, parse_body
from service.api.http.problems import MethodNotAllowedError, find_problem, hide_unknown, render_problem
from service.api.http.query import Options, parse_options, parse_timeout
from service.api.http.rendering import Renderer, Result
from service.api.http.watch import CallerWatch, ClientGoneError
from service.codec import Codec
from service.domain import Deadline, Rows
from service.errors import BackendError
from service.images import ImageLimits
from service.settings import LimitSettings

# What is larger goes to the bulk executor, so that small requests never wait for a large one's parsing.
INLINE_BYTES = 64 * 2**10
INLINE_ROWS = 64
# 256x256 pixels: about 2 ms of the event loop, measured with noisy pictures in every format.
INLINE_PIXELS = 2**16
# `mnist` takes up to 0.3 ms for a picture however small it is.
INLINE_MNIST_IMAGES = 8

ALLOWED_METHODS = "OPTIONS, POST"


@dataclass(frozen=True, slots=True)
class DoorContext:
    """What all endpoints share.

    Attributes:
        codec: The core.
        limits: What one request may ask for.
        bulk: Runs the parsing and rendering of large requests.
        log: Takes the canonical line of each request.
        make_id: Makes request ids.
    """

    codec: Codec
    limits: LimitSettings
    bulk: Executor
    log: Log
    make_id: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class _Request:
    """What the head of a request asks for."""

    options: Options
    render: Renderer
    parse: Callable[[list[bytes]], ParsedBody]


class OperationEndpoint:
    """The ASGI application of one operation."""

    def __init__(self, operation: Operation, context: DoorContext) -> None:
        self._operation = operation
        self._formats = tuple(operation.renderers)
        self._context = context
        self._image_limits = ImageLimits(context.limits.max_image_pixels)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens, and write its line."""
        headers = join_headers(scope["headers"])
        exchange = Exchange(self._operation.name, find_request_id(headers.get(b"x-request-id"), self._context.make_id))
        body = RequestBody(headers, receive, self._context.limits.max_body_bytes)
        try:
            answer = await self._answer(scope, headers, body, receive, exchange)
            await body.answer(send, answer, (b"x-request-id", exchange.request_id))
        except ClientGoneError:
            exchange.abandon()
        finally:
            exchange.write(self._context.log)

    async def _answer(
        self, scope: Scope, headers: dict[bytes, bytes], body: RequestBody, receive: Receive, exchange: Exchange
    ) -> HttpAnswer:
        try:
            if scope["method"] != "POST":
                return self._answer_other_method(scope["method"], exchange)
            answer = await self._operate(scope["query_string"], headers, body, receive, exchange)
        except ClientGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - the door is the last to see it: an answer and a log line are due
            return answer_failure(error, exchange, scope["path"])
        exchange.finish(answer.status)
        return answer

    def _answer_other_method(self, method: str, exchange: Exchange) -> HttpAnswer:
        if method != "OPTIONS":
            detail = f"{self._operation.path} has no method {method}, it has {ALLOWED_METHODS}"
            raise MethodNotAllowedError(detail, allow=ALLOWED_METHODS)
        exchange.finish(204)
        return HttpAnswer(204, ((b"allow", ALLOWED_METHODS.encode()),))

    async def _operate(
        self, query: bytes, headers: dict[bytes, bytes], body: RequestBody, receive: Receive, exchange: Exchange
    ) -> HttpAnswer:
        deadline = self._find_deadline(headers)
        request = self._parse_head(query, headers, deadline)
        async with CallerWatch(receive, deadline) as watch:
            chunks = await body.read()
            watch.listen()
            rows = await self._parse(request, chunks)
            exchange.rows = len(rows)
            result = await self._operation.run(self._context.codec, rows, request.options, deadline)
            exchange.version = result.version
            return await self._render(request, result, len(rows))

    def _find_deadline(self, headers: dict[bytes, bytes]) -> Deadline:
        limits = self._context.limits
        asked = headers.get(b"x-request-timeout")
        return Deadline.after(parse_timeout(asked, default_s=limits.default_timeout_s, limit_s=limits.max_timeout_s))

    def _parse_head(self, query: bytes, headers: dict[bytes, bytes], deadline: Deadline) -> _Request:
        options = parse_options(query, self._operation.parameters)
        media_type = choose_format(headers.get(b"accept"), self._formats)
        parser = find_parser(self._operation.parsers, headers)
        context = ParseContext(
            headers[b"content-type"], options.preprocess, self._context.limits.max_rows, self._image_limits, deadline
        )
        return _Request(options, self._operation.renderers[media_type], partial(parse_body, parser, context=context))

    async def _parse(self, request: _Request, chunks: list[bytes]) -> Rows:
        loop = asyncio.get_running_loop()
        if sum(map(len, chunks)) > INLINE_BYTES:
            return await loop.run_in_executor(self._context.bulk, lambda: request.parse(chunks).decode())
        body = request.parse(chunks)
        if _is_quick(body, request.options):
            return body.decode()
        return await loop.run_in_executor(self._context.bulk, body.decode)

    async def _render(self, request: _Request, result: Result, rows: int) -> HttpAnswer:
        name = self._context.codec.model_name
        if rows <= INLINE_ROWS:
            return request.render(result, name)
        return await asyncio.get_running_loop().run_in_executor(self._context.bulk, request.render, result, name)


def _is_quick(body: ParsedBody, options: Options) -> bool:
    """A small file may hold millions of pixels, so its header decides where it is decoded."""
    is_mnist = options.preprocess == "mnist"
    return body.pixels <= INLINE_PIXELS and not (is_mnist and body.images > INLINE_MNIST_IMAGES)


def join_headers(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; the values of repeated ones are joined by commas, as RFC 9110, 5.3 has them."""
    headers = dict(pairs)
    if len(headers) != len(pairs):
        for name in headers:
            headers[name] = b", ".join(value for other, value in pairs if other == name)
    return headers


def answer_failure(error: Exception, exchange: Exchange, path: str) -> HttpAnswer:
    """The problem document for an exception; what only the log may tell is noted for it."""
    shown = hide_unknown(error)
    exchange.finish(find_problem(shown).status, shown.reason)
    # A model's or our own failure is for the operator to understand; a caller's mistake needs no traceback.
    if shown is not error or isinstance(error, BackendError):
        exchange.failure = error
    return render_problem(shown, request_id=exchange.request_id, instance=path)
