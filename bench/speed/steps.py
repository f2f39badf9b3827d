"""`python -m bench.speed.steps`: where each microsecond of Python's part of one request goes.

The way of a request is measured again and again, each time with one step more, in this process and without sockets: the
server, the frame around every request, its body, its head, its picture, and all of it with a model that takes no
time.
"""

import argparse
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.plain_http import render_post
from bench.speed.in_process import Course
from bench.speed.options import load_digits
from service.access import OpenGate
from service.api.budget import ByteBudget
from service.api.bulk import BulkExecutor
from service.api.context import DoorContext
from service.api.exchange import Exchange, build_id_source
from service.api.http.answers import JSON, HttpAnswer
from service.api.http.door import build_http_app
from service.api.http.endpoints import answer_failure
from service.api.http.frame import HTTP, Frame, Handler, HttpRequest
from service.api.http.operations import OPERATIONS
from service.api.http.parsing import find_parser, parse_body
from service.api.http.query import parse_options
from service.api.http.watch import CallerWatch
from service.api.reading import ReadContext, read_rows
from service.batching import Batcher, BatchLimits, Lanes
from service.codec import Codec
from service.collector import keep_from_collector
from service.domain import Answer, Call, Deadline, Origin, Rows, VersionStatus
from service.images import render_png
from service.observability.access_log import AccessLog
from service.observability.logs import configure_logs
from service.observability.metrics import Metrics
from service.settings import Settings

_CALLERS = 64
_CODE_DIM = 32
_ANSWER = HttpAnswer(200, (JSON,), b"{}")
_ENCODE = next(operation for operation in OPERATIONS if operation.name == "encode")


class InstantBackend:
    """Answers every `encode` with the same codes; implements `service.backends.base.Backend`."""

    async def start(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing to free."""

    def is_ready(self) -> bool:
        """Always."""
        return True

    def explain(self) -> str:
        """It is always ready."""
        return ""

    def describe(self) -> list[VersionStatus]:
        """One version."""
        return [VersionStatus(1, "AVAILABLE")]

    async def run(self, call: Call, rows: Rows, deadline: Deadline, origins: Sequence[Origin] = ()) -> Answer:  # noqa: ARG002 - a `Backend`
        """Codes of the right shape."""
        return Answer(1, {"codes": np.full((len(rows), _CODE_DIM), 0.1234567, np.float32)})


@asynccontextmanager
async def open_context(settings: Settings) -> AsyncIterator[DoorContext]:
    """What doors are built over, as the service has it but for the model."""
    backend, metrics = InstantBackend(), Metrics()
    small = Batcher(backend, BatchLimits(64, 1, 4096), observer=metrics.batches.observe_lane("small"))
    bulk = Batcher(backend, BatchLimits(512, 1, 32768), observer=metrics.batches.observe_lane("bulk"))
    lanes = Lanes(small, bulk, max_small_rows=64)
    with BulkExecutor() as bodies:
        yield DoorContext(
            codec=Codec(backend, lanes, model_name="digits", max_rows=4096, observe_scores=metrics.scores.note),
            limits=settings.limits,
            gate=OpenGate(),
            budget=ByteBudget(settings.limits.max_inflight_bytes),
            bulk=bodies,
            log=AccessLog(structlog.get_logger(), settings.observability.request_lines_per_s),
            make_id=build_id_source(),
            metrics=metrics,
            check_room=lanes.check_room,
        )


def list_courses(context: DoorContext) -> dict[str, ASGIApp]:
    """Applications that go one step further each, by the name of the step."""
    frame = partial(Frame, HTTP, "encode", render_failure=answer_failure, context=context)
    handlers: dict[str, Handler] = {
        "the frame: id, caller, key, log line, metrics": _answer_at_once,
        "the body, counted": _read_body,
        "the head: query, types, deadline, room": partial(_read_head, context),
        "the picture, and a watch for its caller": partial(_read_picture, context),
    }
    return {
        "the server: HTTP, task, one write": _answer_bare,
        **{name: frame(handle=handler) for name, handler in handlers.items()},
        "the queue, its batch, the answer as JSON": build_http_app(context),
    }


async def _answer_bare(_: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(_ANSWER.start_message())
    await send({"type": "http.response.body", "body": _ANSWER.body})


async def _answer_at_once(request: HttpRequest, exchange: Exchange) -> HttpAnswer:  # noqa: ARG001 - a `Handler`
    return _ANSWER


async def _read_body(request: HttpRequest, exchange: Exchange) -> HttpAnswer:  # noqa: ARG001 - a `Handler`
    await request.body.read()
    return _ANSWER


async def _read_head(context: DoorContext, request: HttpRequest, exchange: Exchange) -> HttpAnswer:
    _parse_head(context, request, exchange)
    await request.body.read()
    return _ANSWER


async def _read_picture(context: DoorContext, request: HttpRequest, exchange: Exchange) -> HttpAnswer:
    reading = _parse_head(context, request, exchange)
    with CallerWatch(request.receive, reading.deadline, request.watched) as watch:
        chunks = await request.body.read()
        watch.listen()
        parse = partial(parse_body, find_parser(_ENCODE.parsers, request.headers), chunks, reading)
        await read_rows(parse, sum(map(len, chunks)), reading.preprocess, context.bulk, exchange.origin.timings)
    return _ANSWER


def _parse_head(context: DoorContext, request: HttpRequest, exchange: Exchange) -> ReadContext:
    options = parse_options(request.query, _ENCODE.parameters)
    deadline = context.find_deadline(None)
    context.check_room(request.body.announced_bytes, exchange.origin.caller)
    content_type = request.headers[b"content-type"]
    return ReadContext(
        options.preprocess, context.limits.max_rows, context.image_limits, deadline, content_type=content_type
    )


async def measure(pictures: Sequence[bytes], count: int, rounds: int) -> dict[str, float]:
    """The least microseconds of each course over all rounds, which take turns."""
    settings = Settings()
    configure_logs(settings.observability)
    requests = [render_post("/encode", picture, "image/png", "application/json") for picture in pictures]
    async with open_context(settings) as context:
        courses = {name: Course(app, settings.http) for name, app in list_courses(context).items()}
        keep_from_collector()
        least = dict.fromkeys(courses, float("inf"))
        for _ in range(rounds):
            for name, course in courses.items():
                least[name] = min(least[name], await course.measure_us(requests, count))
    return least


def render(least: Mapping[str, float]) -> str:
    """A Markdown table of steps, with what each adds."""
    lines, before = ["| step | us | together, us |", "| --- | ---: | ---: |"], 0.0
    for name, us in least.items():
        lines.append(f"| {name} | {us - before:.1f} | {us:.1f} |")
        before = us
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.steps", description=__doc__)
    parser.add_argument("--data", default="digits", help="as for `python -m training fit`; its test digits are sent")
    parser.add_argument("--count", type=int, default=2000, help="requests of each step in each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=8, help="(%(default)s)")
    options: Any = parser.parse_args(arguments)
    pictures = [render_png(image) for image in load_digits(options.data)[:_CALLERS]]
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # the service's log
        least = uvloop.run(measure(pictures, options.count, options.rounds))
    print(render(least))


if __name__ == "__main__":
    main()
