"""Failures as a table: what is asked for, in which trouble, and what every door must answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from support.all_doors import LIMIT_BYTES, MAX_QUEUE_ROWS, Gateway, build_lanes
from support.door_words import (
    ALL_RPC,
    GOOD,
    GRPC,
    HTTP,
    OIP_BINARY,
    OIP_GRPC,
    OIP_JSON,
    OUR_GRPC,
    STREAM,
    TFS_COLUMNS,
    TFS_GRPC,
    TFS_REST,
    TFS_ROWS,
    Ask,
    Request,
    Rest,
    Rpc,
    Status,
    UnsayableError,
    write,
    write_binary,
    write_infer,
    write_predict,
    write_rest,
    write_stream,
    write_unary,
)
from support.fakes import CODE_DIM, count_images
from support.pictures import animate, bomb_png, encode, ramp
from support.tfserving_door import build_predict

from service.access import Key, Rate, RateLimiter
from service.domain import NEWEST, UNKNOWN_ORIGIN, Answer, Call, Deadline, Origin, Rows
from service.errors import BackendError, UnauthenticatedError
from service.images import render_png
from service.settings import LimitSettings
from service.wire import codec_pb2 as codec
from service.wire import inference_pb2 as inference
from service.wire import tensorflow_serving as serving

INVALID = "INVALID_ARGUMENT"
STATUSES: Mapping[str, tuple[int, str, int, str, int]] = MappingProxyType(
    {
        "malformed_request": (400, INVALID, 400, INVALID, 400),
        "unauthenticated": (401, "UNAUTHENTICATED", 401, "UNAUTHENTICATED", 401),
        "not_found": (404, "NOT_FOUND", 404, "NOT_FOUND", 404),
        "too_large": (413, INVALID, 413, INVALID, 400),
        "unsupported_media": (415, INVALID, 415, INVALID, 400),
        "invalid_image": (422, INVALID, 400, INVALID, 400),
        "invalid_code": (422, INVALID, 400, INVALID, 400),
        "overloaded": (429, "RESOURCE_EXHAUSTED", 429, "UNAVAILABLE", 503),
        "rate_limited": (429, "RESOURCE_EXHAUSTED", 429, "RESOURCE_EXHAUSTED", 429),
        "backend_failed": (502, "INTERNAL", 500, "INTERNAL", 500),
        "backend_contract": (502, "INTERNAL", 500, "INTERNAL", 500),
        "not_ready": (503, "UNAVAILABLE", 503, "UNAVAILABLE", 503),
        "deadline_exceeded": (504, "DEADLINE_EXCEEDED", 504, "DEADLINE_EXCEEDED", 504),
        "internal": (500, "INTERNAL", 500, "INTERNAL", 500),
    }
)
"""By reason: the status of HTTP, of gRPC and its stream, of the Open Inference Protocol over REST, and of TensorFlow
Serving over gRPC and over REST, as docs/protocols.md has them."""

_COLUMNS: Mapping[str, int] = MappingProxyType(
    {
        HTTP: 0,
        **dict.fromkeys((*OUR_GRPC, OIP_GRPC), 1),
        **dict.fromkeys((OIP_JSON, OIP_BINARY), 2),
        TFS_GRPC: 3,
        **dict.fromkeys(TFS_REST, 4),
    }
)
_RETRIED = frozenset({"overloaded", "rate_limited", "not_ready"})

_INFER = "/v2/models/digits-encode/infer"
_PREDICT = "/v1/models/digits:predict"

_IMAGE = count_images(1)
_MANY_IMAGES = Ask(images=np.zeros((4097, 28, 28), np.uint8))
_PNG = render_png(_IMAGE[0])
_NO_JSON = "messages are no JSON"
_HELD_BACK = "a full queue holds a stream back"
_TOO_LONG = "a message above the limit never reaches the door: gRPC itself says RESOURCE_EXHAUSTED"
_NO_TYPES = "its numbers have no declared type"
_NO_HEADER = "gRPC has its own words for it, which cannot be wrong"

SECRET = "the password is 1234"  # noqa: S105 - what must not leave the process

Trouble = Callable[[Gateway], AbstractAsyncContextManager[None]]
"""What is wrong with a gateway inside a block, and not behind it."""


@asynccontextmanager
async def no_trouble(_: Gateway) -> AsyncIterator[None]:
    """All is well."""
    yield


@asynccontextmanager
async def hang(gateway: Gateway) -> AsyncIterator[None]:
    """The model does not answer."""
    async with gateway.backend.held():
        yield


@asynccontextmanager
async def fill_queue(gateway: Gateway) -> AsyncIterator[None]:
    """One request runs and does not end, and as many rows as may wait behind it."""
    far = Deadline.after(60)
    async with gateway.backend.held():
        batches = len(gateway.backend.batches)
        running = asyncio.create_task(gateway.codec.encode(count_images(1), NEWEST, far))
        await gateway.backend.wait_for_batches(batches + 1)
        waiting = asyncio.create_task(gateway.codec.encode(count_images(MAX_QUEUE_ROWS), NEWEST, far))
        await asyncio.sleep(0)  # its first turn, in which it takes its place
        yield
    await asyncio.gather(running, waiting)


@asynccontextmanager
async def lose_versions(gateway: Gateway) -> AsyncIterator[None]:
    """No version of the model is loaded."""
    versions, gateway.backend.versions = gateway.backend.versions, []
    try:
        yield
    finally:
        gateway.backend.versions = versions


@asynccontextmanager
async def shut_down(gateway: Gateway) -> AsyncIterator[None]:
    """The lanes before the model are closed."""
    closed = build_lanes(gateway.backend)
    await closed.close(0)
    open_lanes, gateway.lanes.inner = gateway.lanes.inner, closed
    try:
        yield
    finally:
        gateway.lanes.inner = open_lanes


class _LockedGate:
    """A gate to which nobody has a key."""

    def identify(self, secret: bytes | None) -> Key | None:
        raise UnauthenticatedError("no key came" if secret is None else "the key that came is not known here")


@asynccontextmanager
async def lock(gateway: Gateway) -> AsyncIterator[None]:
    """A key is needed."""
    gate, gateway.access.gate = gateway.access.gate, _LockedGate()
    try:
        yield
    finally:
        gateway.access.gate = gate


@asynccontextmanager
async def use_up_rate(gateway: Gateway) -> AsyncIterator[None]:
    """The caller has sent what it may send in an hour."""
    limiter, gateway.access.limiter = gateway.access.limiter, RateLimiter(Rate(1, 1), clock=lambda: 0.0)
    gateway.access.limiter.charge("127.0.0.1", 1)
    try:
        yield
    finally:
        gateway.access.limiter = limiter


@asynccontextmanager
async def fill_memory(gateway: Gateway) -> AsyncIterator[None]:
    """Other requests hold all bytes that may be held."""
    with gateway.budget.hold(LimitSettings().max_inflight_bytes):
        yield


def fail_model(failure: Exception) -> Trouble:
    """The model fails at the next batch."""

    @asynccontextmanager
    async def trouble(gateway: Gateway) -> AsyncIterator[None]:
        gateway.backend.failure = failure
        yield

    return trouble


def spoil(change: Callable[[Rows], Rows]) -> Trouble:
    """The model's outputs are changed."""

    @asynccontextmanager
    async def trouble(gateway: Gateway) -> AsyncIterator[None]:
        honest, gateway.backend.spoil = gateway.backend.spoil, change
        try:
            yield
        finally:
            gateway.backend.spoil = honest

    return trouble


class _Broken:
    """Lanes with a mistake of ours in them."""

    async def submit(self, call: Call, rows: Rows, deadline: Deadline, origin: Origin = UNKNOWN_ORIGIN) -> Answer:
        raise RuntimeError(SECRET)


@asynccontextmanager
async def break_core(gateway: Gateway) -> AsyncIterator[None]:
    """Something fails that nobody thought of."""
    lanes, gateway.lanes.inner = gateway.lanes.inner, _Broken()
    try:
        yield
    finally:
        gateway.lanes.inner = lanes


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure.

    Attributes:
        reason: The word for it at every door.
        ask: The request.
        instead: By door: the request where its words cannot be made of `ask`.
        unsayable: By door: why its protocol cannot express the failure, beyond what `write` knows.
        trouble: What is wrong with the gateway meanwhile.
        statuses: By door: the status where its protocol has its own for this failure.
        names_no_time: True if the request leaves its deadline to the service.
    """

    reason: str
    ask: Ask = GOOD
    instead: Mapping[str, Request] = field(default_factory=dict)
    unsayable: Mapping[str, str] = field(default_factory=dict)
    trouble: Trouble = no_trouble
    statuses: Mapping[str, Status] = field(default_factory=dict)
    names_no_time: bool = False

    def write(self, door: str) -> Request:
        """The request in the words of a door.

        Raises:
            UnsayableError: If it has none for it.
        """
        if door in self.unsayable:
            raise UnsayableError(self.unsayable[door])
        return self.instead[door] if door in self.instead else write(self.ask, door)

    def find_status(self, door: str) -> Status:
        """The documented status."""
        return self.statuses.get(door, STATUSES[self.reason][_COLUMNS[door]])

    def find_reason(self, door: str) -> str | None:
        """The reason where the protocol has a place for it."""
        return self.reason if door == HTTP or door in ALL_RPC else None

    def find_retry_s(self, door: str) -> int | None:
        """When to come back; the stream's Failure has no place for it."""
        return 1 if self.reason in _RETRIED and door != STREAM else None


def _all(doors: tuple[str, ...], why: str) -> dict[str, str]:
    return dict.fromkeys(doors, why)


def _file(*files: bytes) -> Ask:
    return Ask(files=files, preprocess="mnist")


def _send_tensor(*values: int) -> dict[str, Request]:
    """The typed form of each protocol that has one: 784 integers that are said to be UINT8."""
    tensor: dict[str, Any] = {"name": "images", "datatype": "UINT8", "shape": [1, 28, 28]}
    typed = inference.InferTensorContents(uint_contents=values)
    serving_tensor = serving.TensorProto(dtype=4, int_val=values)
    for size in (1, 28, 28):
        serving_tensor.tensor_shape.dim.add(size=size)
    message = inference.ModelInferRequest(
        model_name="digits-encode", inputs=[inference.ModelInferRequest.InferInputTensor(**tensor, contents=typed)]
    )
    return {
        OIP_JSON: write_rest(_INFER, {"inputs": [{**tensor, "data": list(values)}]}),
        OIP_GRPC: write_infer(message),
        TFS_GRPC: write_predict(build_predict({"images": serving_tensor}, signature="encode")),
    }


def _with_header(name: str, value: str) -> dict[str, Request]:
    """The good request with one more header, at the doors that have headers."""
    doors = (HTTP, OIP_JSON, OIP_BINARY, *TFS_REST)
    requests = {door: write(GOOD, door) for door in doors}
    return {
        door: Rest(request.path, request.content, {**request.headers, name: value})
        for door, request in requests.items()
        if isinstance(request, Rest)
    }


def _with_body(content: bytes) -> dict[str, Request]:
    """Any body at the doors that have bodies."""
    return {
        HTTP: Rest("/encode", content, {"content-type": "application/json"}),
        OIP_JSON: Rest(_INFER, content),
        OIP_BINARY: Rest(_INFER, content, {"inference-header-content-length": str(len(content))}),
        **dict.fromkeys(TFS_REST, Rest(_PREDICT, content)),
    }


def _with_message(data: bytes) -> dict[str, Request]:
    """The same bytes where every gRPC door expects its message."""
    return {door: Rpc(write(Ask(images=_IMAGE), door).path, data) for door in ALL_RPC}


def _code(value: float, dtype: Any) -> Ask:
    return Ask(codes=np.array([[0, value, 0, 0]], dtype))


def _picture(side: int) -> Ask:
    return Ask(files=(encode(ramp(28, side), "PNG"),))


def _with_pixel(value: float, dtype: Any) -> Ask:
    images = _IMAGE.astype(dtype)
    images[0, 3, 4] = value
    return Ask(images=images)


def _unmake(rows: Rows) -> Rows:
    """NaN where there were floats; a picture has none."""
    return np.full_like(rows, np.nan) if rows.dtype.kind == "f" else rows


def _miss_input() -> dict[str, Request]:
    return {
        HTTP: write_rest("/encode", {}),
        GRPC: write_unary(codec.EncodeRequest()),
        STREAM: write_stream(codec.ReconstructRequest()),
        OIP_JSON: write_rest(_INFER, {"inputs": []}),
        OIP_BINARY: write_binary(_INFER, {"inputs": []}),
        OIP_GRPC: write_infer(inference.ModelInferRequest(model_name="digits-encode")),
        TFS_ROWS: write_rest(_PREDICT, {"signature_name": "encode", "instances": [{"codes": [0]}]}),
        TFS_COLUMNS: write_rest(_PREDICT, {"signature_name": "encode", "inputs": {"codes": [[0]]}}),
        TFS_GRPC: write_predict(build_predict({}, signature="encode")),
    }


def _promise_bytes() -> Request:
    """One value that a shape repeats beyond the limit; TensorFlow Serving's tensors may do that."""
    tensor = serving.TensorProto(dtype=4, int_val=[0])
    for size in (LIMIT_BYTES, 28, 28):
        tensor.tensor_shape.dim.add(size=size)
    return write_predict(build_predict({"images": tensor}, signature="encode"))


FAILURES: Mapping[str, Failure] = MappingProxyType(
    {
        # The caller's rows.
        "no rows": Failure("malformed_request", Ask(images=_IMAGE[:0])),
        "rows of 27x28": Failure("invalid_image", Ask(images=_IMAGE[:, 1:])),
        # As JSON so many images would take half a second of a busy machine to read; codes are short.
        "4,097 rows": Failure(
            "too_large",
            Ask(codes=np.zeros((4097, CODE_DIM), np.float32)),
            instead={door: write(_MANY_IMAGES, door) for door in (*ALL_RPC, OIP_BINARY)},
        ),
        "a pixel of 256": Failure("invalid_image", _with_pixel(256, np.int32)),
        "a float pixel of 1.5": Failure("invalid_image", _with_pixel(1.5, np.float32)),
        "256 in a tensor that is said to be uint8": Failure(
            "malformed_request",
            instead=_send_tensor(256, *[0] * 783),
            unsayable={
                **_all((HTTP, *TFS_REST), _NO_TYPES),
                **_all(OUR_GRPC, "a packed pixel is one byte"),
                OIP_BINARY: "a UINT8 is one byte",
            },
        ),
        "a code of another width": Failure("invalid_code", Ask(codes=np.zeros((1, CODE_DIM + 1), np.float32))),
        "a code with NaN": Failure("invalid_code", _code(np.nan, np.float32)),
        "a code beyond float32": Failure("invalid_code", _code(1e39, np.float64)),
        # The caller's image files.
        "text as an image file": Failure("invalid_image", _file(b"hello world")),
        "an empty image file": Failure("invalid_image", _file(b"")),
        "a picture of 27x28": Failure("invalid_image", _picture(27)),
        "a truncated PNG": Failure("invalid_image", _file(_PNG[:-20])),
        "an animated GIF": Failure("invalid_image", _file(animate("GIF", 2))),
        "a decompression bomb": Failure("too_large", _file(bomb_png())),
        "pictures that are only together too large": Failure("too_large", _file(*[bomb_png(4000)] * 2)),
        # What the caller asks for.
        "an unknown version": Failure("not_found", Ask(images=_IMAGE, version=99)),
        "an unknown label": Failure(
            "not_found",
            Ask(images=_IMAGE, label="nightly"),
            statuses={**dict.fromkeys(TFS_REST, 400), TFS_GRPC: INVALID},
        ),
        "an unknown model": Failure(
            "not_found", Ask(images=_IMAGE, model="letters"), instead={HTTP: Rest("/models/letters", method="GET")}
        ),
        "an unknown signature": Failure(
            "not_found",
            Ask(images=_IMAGE, signature="classify"),
            statuses={**dict.fromkeys(TFS_REST, 400), TFS_GRPC: "FAILED_PRECONDITION"},
        ),
        "an unknown output": Failure("malformed_request", Ask(images=_IMAGE, outputs=("codes", "logits"))),
        "an output twice": Failure("malformed_request", Ask(images=_IMAGE, outputs=("codes", "codes"))),
        "an unknown preprocessing": Failure("malformed_request", Ask(images=_IMAGE, preprocess="unknown")),
        "a missing input": Failure("malformed_request", instead=_miss_input()),
        # The caller's bodies and headers.
        "a body that is no JSON, bytes that are no message": Failure(
            "malformed_request", instead={**_with_body(b'{"images": ['), **_with_message(b"\xff")}
        ),
        "NaN, which is no JSON": Failure(
            "malformed_request",
            instead={
                **_with_body(b'{"images": [[NaN]]}'),
                **dict.fromkeys(TFS_REST, Rest(_PREDICT, b'{"instances": [[NaN]]}')),
            },
            unsayable=_all(ALL_RPC, _NO_JSON),
        ),
        "more bytes than the limit": Failure(
            "too_large",
            instead={**_with_body(bytes(LIMIT_BYTES + 1)), TFS_GRPC: _promise_bytes()},
            unsayable=_all((*OUR_GRPC, OIP_GRPC), _TOO_LONG),
        ),
        "an unknown compression": Failure(
            "unsupported_media",
            instead=_with_header("content-encoding", "br"),
            unsayable=_all(ALL_RPC, _NO_HEADER),
        ),
        "a time of 0": Failure(
            "malformed_request",
            instead=_with_header("x-request-timeout", "0"),
            unsayable=_all(ALL_RPC, _NO_HEADER),
        ),
        # Our own troubles.
        "the deadline passed": Failure("deadline_exceeded", trouble=hang, names_no_time=True),
        "the queue is full": Failure("overloaded", trouble=fill_queue, unsayable={STREAM: _HELD_BACK}),
        "no version is loaded": Failure("not_ready", trouble=lose_versions),
        "no key came": Failure("unauthenticated", trouble=lock),
        "the caller sends too much": Failure("rate_limited", trouble=use_up_rate, unsayable={STREAM: _HELD_BACK}),
        "requests hold too many bytes": Failure("overloaded", trouble=fill_memory),
        "the service is shutting down": Failure("not_ready", trouble=shut_down),
        "the model fails": Failure("backend_failed", trouble=fail_model(BackendError("encode failed"))),
        "the model raises what nobody knows": Failure("backend_failed", trouble=fail_model(ValueError(SECRET))),
        "the model answers another shape": Failure("backend_contract", trouble=spoil(lambda rows: rows[1:])),
        "the model answers NaN": Failure("backend_contract", trouble=spoil(_unmake)),
        "the core fails in an unknown way": Failure("internal", trouble=break_core),
    }
)
"""Every failure by name."""
