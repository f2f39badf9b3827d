"""`POST .../infer`: reads a request within its limits, and writes the answer as it was asked for."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from service.api.context import DoorContext
from service.api.exchange import Exchange
from service.api.http.answers import HttpAnswer
from service.api.http.frame import HttpRequest
from service.api.http.inflate import find_encoding, inflate
from service.api.http.query import parse_timeout, shorten
from service.api.http.watch import CallerWatch
from service.api.inference.infer import infer
from service.api.inference.json_answer import HEADER_LENGTH, render_answer
from service.api.inference.json_request import AnswerFormat, parse_request
from service.api.inference.metadata import find_code_dim
from service.api.inference.models import choose_signature, find_model
from service.api.inference.request import InferRequest
from service.api.inference.routes import Route
from service.api.inference.whole_body import parse_whole_body
from service.api.reading import INLINE_BYTES, render_rows
from service.errors import MalformedRequestError

_Out = TypeVar("_Out")


@dataclass(frozen=True, slots=True)
class _Head:
    """What the headers say of the body.

    Attributes:
        encoding: How it is compressed, or None.
        header_bytes: Length of the JSON at its beginning; 0 for no JSON, None for nothing else.
    """

    encoding: str | None
    header_bytes: int | None


async def answer_infer(request: HttpRequest, route: Route, context: DoorContext, exchange: Exchange) -> HttpAnswer:
    """Answer one inference."""
    deadline = context.find_deadline(parse_timeout(request.headers.get(b"x-request-timeout")))
    find_model(route.model, context.codec.model_name)  # before the body of a lost caller is read
    head = _parse_head(request.headers)
    async with CallerWatch(request.receive, deadline) as watch:
        chunks = await request.body.read()
        watch.listen()
        parse = partial(_parse_body, chunks, head, route, context)
        # A few compressed bytes may be many.
        size_bytes = context.limits.max_body_bytes if head.encoding else sum(map(len, chunks))
        parsed, form = await _run_by_size(parse, size_bytes, context.bulk)
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


async def _run_by_size(parse: Callable[[], _Out], size_bytes: int, bulk: Executor) -> _Out:
    """Parse here if that is quick, else on the bulk executor."""
    if size_bytes <= INLINE_BYTES:
        return parse()
    return await asyncio.get_running_loop().run_in_executor(bulk, parse)


def _parse_body(
    chunks: list[bytes], head: _Head, route: Route, context: DoorContext
) -> tuple[InferRequest, AnswerFormat]:
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if head.encoding is not None:
        body = inflate(body, head.encoding, context.limits.max_body_bytes)
    if head.header_bytes != 0:
        return parse_request(memoryview(body), head.header_bytes, route.model, route.version)
    codec = context.codec
    signature = choose_signature(find_model(route.model, codec.model_name), {})
    code_dim = find_code_dim(route.version, codec)
    parsed = parse_whole_body(memoryview(body), route.model, route.version, signature, code_dim)
    # Who sends bytes alone gets bytes, as from Triton.
    return parsed, AnswerFormat(is_binary=True, by_output={})
