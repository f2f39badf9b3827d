"""`POST .../infer`: reads a request within its limits, and writes the answer as it was asked for."""

from dataclasses import dataclass
from functools import partial

from service.api.context import DoorContext
from service.api.exchange import Exchange
from service.api.http.answers import HttpAnswer
from service.api.http.frame import HttpRequest
from service.api.http.inflate import find_encoding, measure, open_body
from service.api.http.query import parse_timeout
from service.api.http.watch import CallerWatch
from service.api.inference.infer import infer
from service.api.inference.json_answer import HEADER_LENGTH, render_answer
from service.api.inference.json_request import AnswerFormat, parse_request
from service.api.inference.metadata import find_code_dim
from service.api.inference.models import choose_signature, find_model
from service.api.inference.request import InferRequest
from service.api.inference.routes import Route
from service.api.inference.whole_body import parse_whole_body
from service.api.reading import render_rows, run_by_size
from service.domain import Deadline, Signature
from service.errors import MalformedRequestError
from service.words import shorten


@dataclass(frozen=True, slots=True)
class _Head:
    """What the headers say of the body.

    Attributes:
        encoding: How it is compressed, or None.
        header_bytes: Length of the JSON at its beginning; 0 for no JSON, None for nothing else.
    """

    encoding: str | None
    header_bytes: int | None


@dataclass(frozen=True, slots=True)
class _Whole:
    """What a body without JSON is the input of.

    Attributes:
        signature: What the model runs.
        code_dim: Width of its codes, where codes come and it could be found out.
    """

    signature: Signature
    code_dim: int | None


async def answer_infer(request: HttpRequest, route: Route, context: DoorContext, exchange: Exchange) -> HttpAnswer:
    """Answer one inference."""
    deadline = context.find_deadline(parse_timeout(request.headers.get(b"x-request-timeout")))
    find_model(route.model, context.codec.model_name)  # before the body of a lost caller is read
    head = _parse_head(request.headers)
    context.check_room(request.body.announced_bytes, exchange.origin.caller)
    with CallerWatch(request.receive, deadline, request.watched) as watch:
        chunks = await request.body.read()
        watch.listen()
        whole = await _look_at_model(route, context, deadline, exchange) if head.header_bytes == 0 else None
        limit_bytes = context.limits.max_body_bytes
        parse = partial(_parse_body, chunks, head, whole, route, limit_bytes)
        size_bytes = measure(chunks, head.encoding, limit_bytes)
        parsed, form = await run_by_size(parse, size_bytes, context.bulk, exchange.origin.timings)
        answer = await infer(parsed, context, deadline, exchange)
        return await render_rows(partial(render_answer, answer, form), answer.rows, context.bulk)


def _parse_head(headers: dict[bytes, bytes]) -> _Head:
    length = headers.get(HEADER_LENGTH)
    if length is None:
        return _Head(find_encoding(headers), None)
    # No body is as long as a number of more digits says.
    if not length.isdigit() or len(length) > 18:
        came = shorten(length.decode("latin-1"))
        raise MalformedRequestError(f"Inference-Header-Content-Length is {came}, expected a number of bytes")
    return _Head(find_encoding(headers), int(length))


async def _look_at_model(route: Route, context: DoorContext, deadline: Deadline, exchange: Exchange) -> _Whole:
    codec = context.codec
    signature = choose_signature(find_model(route.model, codec.model_name), {})
    if signature != "decode":
        return _Whole(signature, None)
    return _Whole(signature, await find_code_dim(route.version, codec, deadline, exchange.origin))


def _parse_body(
    chunks: list[bytes], head: _Head, whole: _Whole | None, route: Route, limit_bytes: int
) -> tuple[InferRequest, AnswerFormat]:
    body = memoryview(open_body(chunks, head.encoding, limit_bytes))
    if whole is None:
        return parse_request(body, head.header_bytes, route.model, route.version)
    parsed = parse_whole_body(body, route.model, route.version, whole.signature, whole.code_dim)
    # Who sends bytes alone gets bytes, as from Triton.
    return parsed, AnswerFormat(is_binary=True, by_output={})
