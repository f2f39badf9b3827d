"""All doors of one gateway in process over a fake backend, troubled as a test wants it, and what they answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
from support.door_words import STREAM_PATH, Request, Rest, Rpc, Status
from support.fakes import HeldBackend
from support.grpc_door import read_details
from support.http_door import CountingExecutor, LineLog, build_context

from service.access import Gate, Key, OpenGate, RateLimiter
from service.api.budget import ByteBudget
from service.api.grpc.status import DETAILS_KEY
from service.batching import Batcher, BatchLimits, Lanes
from service.codec import Codec, Submitter
from service.domain import UNKNOWN_ORIGIN, Answer, Call, Deadline, Origin, Rows
from service.doors import build_gateway_app, build_gateway_rpc
from service.observability.metrics import Metrics
from service.settings import GrpcSettings, LimitSettings
from service.wire import codec_pb2 as codec

LIMIT_BYTES = 8 * 2**20
"""Largest body and message: a few thousand images as bytes fit."""

OWN_TIME_S = 0.1
"""What a request has that names no time."""

MAX_QUEUE_ROWS = 2

_PATIENCE_S = 20.0

_CODE_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended.

    Attributes:
        status: As the protocol has it; that of one request, in a stream.
        reason: As the wire has it; None if it has none.
        retry_s: When to come back, as the wire has it.
        text: All that came back, for people.
        took_s: How long it took.
        logged: Status and reason of its line in the log.
    """

    status: Status
    reason: str | None
    retry_s: int | None
    text: str
    took_s: float = 0.0
    logged: tuple[Status, str | None] | None = None

    @property
    def is_good(self) -> bool:
        """True for an answer."""
        return self.status in {200, "OK"}


class SwitchedLanes:
    """Lanes that another submitter can stand in for.

    Attributes:
        inner: What submits now.
    """

    def __init__(self, inner: Submitter) -> None:
        self.inner = inner

    async def submit(self, call: Call, rows: Rows, deadline: Deadline, origin: Origin = UNKNOWN_ORIGIN) -> Answer:
        """Hand the rows on."""
        return await self.inner.submit(call, rows, deadline, origin)


class SwitchedAccess:
    """Lets everybody in and everything pass until a test says otherwise.

    Attributes:
        gate: Who is asked for keys.
        limiter: Who is asked for rates.
    """

    def __init__(self) -> None:
        self.gate: Gate = OpenGate()
        self.limiter = RateLimiter(None)

    def identify(self, secret: bytes | None) -> Key | None:
        """Ask the gate."""
        return self.gate.identify(secret)

    def charge(self, caller: str, rows: int) -> None:
        """Ask the limiter."""
        self.limiter.charge(caller, rows)

    def refund(self, caller: str, rows: int) -> None:
        """Tell the limiter."""
        self.limiter.refund(caller, rows)


class TroubledBackend(HeldBackend):
    """A backend whose gate is open until someone closes it, and whose answers can be spoilt.

    Attributes:
        spoil: Changes each output of an answer on its way out.
    """

    def __init__(self) -> None:
        super().__init__(1, labels={"stable": 1})
        self.gate.set()
        self.spoil: Callable[[Rows], Rows] = lambda rows: rows

    async def run(self, call: Call, *rest: Any) -> Answer:
        """The answer, spoilt."""
        answer = await super().run(call, *rest)
        return Answer(answer.version, {name: self.spoil(rows) for name, rows in answer.outputs.items()})


def build_lanes(backend: TroubledBackend) -> Lanes:
    """Lanes before the backend, with room for few small requests."""
    return Lanes(Batcher(backend, BatchLimits(64, 1, MAX_QUEUE_ROWS)), Batcher(backend, BatchLimits(512, 1, 32768)), 64)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway with all its doors, and a client of each."""

    backend: TroubledBackend
    lanes: SwitchedLanes
    access: SwitchedAccess
    budget: ByteBudget
    codec: Codec
    log: LineLog
    metrics: Metrics
    http: httpx.AsyncClient
    channel: grpc.aio.Channel

    async def send(self, request: Request, timeout_s: float | None = _PATIENCE_S) -> Outcome:
        """Send a request.

        Args:
            request: In the words of some door.
            timeout_s: The time that it names; None for none.
        """
        self.log.lines.clear()
        began_s = time.monotonic()
        outcome = await (
            self._post(request, timeout_s) if isinstance(request, Rest) else self._call(request, timeout_s)
        )
        took_s = time.monotonic() - began_s
        lines = [(fields["status"], fields["reason"]) for _, _, fields in self.log.lines]
        assert len(lines) <= 1, lines
        return Outcome(
            outcome.status, outcome.reason, outcome.retry_s, outcome.text, took_s, lines[0] if lines else None
        )

    async def _post(self, request: Rest, timeout_s: float | None) -> Outcome:
        time_limit = {} if timeout_s is None else {"x-request-timeout": str(timeout_s)}
        answer = await self.http.request(
            request.method, request.path, content=request.content, headers={**time_limit, **request.headers}
        )
        is_problem = answer.headers.get("content-type") == "application/problem+json"
        retry = answer.headers.get("retry-after")
        return Outcome(
            answer.status_code,
            answer.json()["reason"] if is_problem else None,
            None if retry is None else int(retry),
            answer.text,
        )

    async def _call(self, request: Rpc, timeout_s: float | None) -> Outcome:
        try:
            if request.path == STREAM_PATH:
                return await self._call_stream(request, timeout_s)
            call: Any = self.channel.unary_unary(request.path)
            answer = await call(request.message, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            return _read_error(error)
        return Outcome("OK", None, None, repr(answer))

    async def _call_stream(self, request: Rpc, timeout_s: float | None) -> Outcome:
        call: Any = self.channel.stream_stream(STREAM_PATH)
        answers = [answer async for answer in call(iter([request.message]), timeout=timeout_s)]
        (answer,) = map(codec.ReconstructStreamResponse.FromString, answers)
        if answer.HasField("failure"):
            return Outcome(_CODE_NAMES[answer.failure.code], answer.failure.reason, None, answer.failure.detail)
        return Outcome("OK", None, None, "")


def _read_error(error: grpc.aio.AioRpcError) -> Outcome:
    """What our doors say with details, and what gRPC says without."""
    has_details = DETAILS_KEY in dict(error.trailing_metadata() or ())
    details = read_details(error) if has_details else {}
    retry = details["RetryInfo"].retry_delay.seconds if "RetryInfo" in details else None
    reason = details["ErrorInfo"].reason if has_details else None
    return Outcome(error.code().name, reason, retry, f"{error.details()} {error.trailing_metadata()}")


@asynccontextmanager
async def open_gateway() -> AsyncIterator[Gateway]:
    """A gateway that lasts as long as the block."""
    backend, log, metrics = TroubledBackend(), LineLog(), Metrics()
    lanes = SwitchedLanes(build_lanes(backend))
    access = SwitchedAccess()
    core = Codec(backend, lanes, model_name="digits", max_rows=4096, charger=access)
    limits = LimitSettings(max_body_bytes=LIMIT_BYTES, default_timeout_s=OWN_TIME_S)
    with CountingExecutor() as bulk:
        context = build_context(backend, codec=core, limits=limits, bulk=bulk, log=log, metrics=metrics, gate=access)
        server = build_gateway_rpc(context, GrpcSettings(max_message_bytes=LIMIT_BYTES), grace_s=0, arrival_s=0)
        address = server.bind("127.0.0.1", 0, settings="")
        serving_task = asyncio.create_task(server.serve())
        transport = httpx.ASGITransport(build_gateway_app(context))
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://door") as http,
            grpc.aio.insecure_channel(address) as channel,
        ):
            yield Gateway(backend, lanes, access, context.budget, core, log, metrics, http, channel)
        server.stop()
        await serving_task
