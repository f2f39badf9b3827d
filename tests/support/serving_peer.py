"""A model server for tests: TensorFlow Serving's gRPC API on a real socket, with the numbers of `support.fakes`."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from support.fakes import (
    CODE_DIM,
    count_images,
    fake_codes,
    fake_errors,
    fake_pictures,
    fake_reconstructions,
    fake_scores,
)

from service.backends.contract import ENCODE
from service.backends.tfserving import TFServingBackend
from service.domain import NEWEST, Answer, Call, Deadline, Rows, Selector
from service.settings import ModelSettings, TFServingBackendSettings
from service.wire.tensorflow_serving import (
    GET_MODEL_METADATA,
    GET_MODEL_STATUS,
    MODEL_SERVICE,
    PREDICT,
    PREDICTION_SERVICE,
    GetModelMetadataResponse,
    GetModelStatusResponse,
    Method,
    PredictResponse,
    SignatureDefMap,
)
from service.wire.tensors import find_type, parse_tensor, render_tensor

START, LOADING, AVAILABLE, UNLOADING, END = 10, 20, 30, 40, 50
INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT

_Tensor = tuple[str, tuple[int, ...]]
_IMAGES: _Tensor = ("uint8", (-1, 28, 28))
_FLOATS: _Tensor = ("float32", (-1,))


@dataclass(frozen=True, slots=True)
class Heard:
    """One Predict as it arrived.

    Attributes:
        request: The PredictRequest.
        metadata: Key and value pairs.
        remaining_s: Time that its caller still had.
    """

    request: Any
    metadata: list[tuple[str, str]]
    remaining_s: float


class ServingPeer:
    """Answers Predict, GetModelMetadata and GetModelStatus as TensorFlow Serving does, until told otherwise.

    Attributes:
        address: Where it listens; a port of 0 is replaced by the one it got, so that a restart returns there.
        states: State by version.
        errors: Code and text of versions that failed to load.
        labels: Version by label.
        code_dims: Code width by version, where it is not that of the fakes.
        is_packed: Answers in `tensor_content`; else in the typed fields.
        failures: Statuses and texts; each Predict takes one instead of an answer, until none is left.
        lasting_failure: The same for every call of every method.
        signatures_failure: The same for every GetModelMetadata.
        speaks_nonsense: Answers with bytes that are no message.
        gate: Predicts wait while it is not set.
        entered: Set by each Predict that arrives.
        cancelled: Set when a Predict was cancelled at the gate.
        heard: Every Predict so far.
        looks: GetModelStatus calls so far.
        spoil_reply: Changes each PredictResponse.
        spoil_signatures: Changes each SignatureDefMap.
    """

    def __init__(
        self, *versions: int, address: str = "127.0.0.1:0", credentials: grpc.ServerCredentials | None = None
    ) -> None:
        self.address = address
        self.states = dict.fromkeys(versions or (1,), AVAILABLE)
        self.errors: dict[int, tuple[int, str]] = {}
        self.labels: dict[str, int] = {}
        self.code_dims: dict[int, int] = {}
        self.is_packed = True
        self.failures: deque[tuple[grpc.StatusCode, str]] = deque()
        self.lasting_failure: tuple[grpc.StatusCode, str] | None = None
        self.signatures_failure: tuple[grpc.StatusCode, str] | None = None
        self.speaks_nonsense = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.heard: list[Heard] = []
        self.looks = 0
        self.spoil_reply: Callable[[Any], None] = _leave
        self.spoil_signatures: Callable[[Any], None] = _leave
        self._credentials = credentials
        self._server: grpc.aio.Server | None = None

    @property
    def target(self) -> str:
        """Where clients find it."""
        return self.address if self.address.startswith("unix:") else f"ipv4:{self.address}"

    async def start(self) -> None:
        """Listen, also again after `stop`."""
        self._server = server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers(
            (
                self._serve(PREDICTION_SERVICE, {PREDICT: self._predict, GET_MODEL_METADATA: self._tell_signatures}),
                self._serve(MODEL_SERVICE, {GET_MODEL_STATUS: self._tell_statuses}),
            )
        )
        if self._credentials is None:
            port = server.add_insecure_port(self.address)
        else:
            port = server.add_secure_port(self.address, self._credentials)
        if self.address.endswith(":0"):
            self.address = f"{self.address.removesuffix(':0')}:{port}"
        await server.start()

    async def stop(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            await self._server.stop(None)

    def _serve(self, service: str, behaviours: dict[Method, Any]) -> grpc.GenericRpcHandler:
        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(
                behaviour, request_deserializer=method.request.FromString, response_serializer=self._serialize
            )
            for method, behaviour in behaviours.items()
        }
        return grpc.method_handlers_generic_handler(service, handlers)

    def _serialize(self, message: Any) -> bytes:
        return b"\xff" if self.speaks_nonsense else message.SerializeToString()

    async def _predict(self, request: Any, context: Any) -> Any:
        metadata = [(key, str(value)) for key, value in context.invocation_metadata()]
        self.heard.append(Heard(request, metadata, context.time_remaining()))
        self.entered.set()
        await self._pass_gate()
        if self.failures:
            await context.abort(*self.failures.popleft())
        await _fail_if(self.lasting_failure, context)
        response = PredictResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = await self._find_version(request.model_spec, context)
        for name, rows in (await self._compute(request, context)).items():
            response.outputs[name].CopyFrom(render_tensor(rows, packed=self.is_packed))
        self.spoil_reply(response)
        return response

    async def _pass_gate(self) -> None:
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def _find_version(self, spec: Any, context: Any) -> Any:
        available = [version for version, state in self.states.items() if state == AVAILABLE]
        if spec.HasField("version_label"):
            if spec.version_label not in self.labels:
                await context.abort(INVALID_ARGUMENT, f"Unrecognized servable version label: {spec.version_label}")
            return self.labels[spec.version_label]
        wanted = spec.version.value if spec.HasField("version") else max(available, default=None)
        if wanted not in available:
            asked = f"Specific({spec.name}, {wanted})" if wanted else f"Latest({spec.name})"
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")
        return wanted

    async def _compute(self, request: Any, context: Any) -> dict[str, Rows]:
        rows = parse_tensor(next(iter(request.inputs.values())))
        if request.model_spec.signature_name == "decode":
            if rows.shape[1:] != (CODE_DIM,):
                await context.abort(INVALID_ARGUMENT, f"Matrix size-incompatible: In[0]: {list(rows.shape)}")
            return {"images": fake_pictures(rows)}
        outputs: dict[str, Rows] = {
            "codes": fake_codes(rows),
            "reconstructions": fake_reconstructions(rows),
            "errors": fake_errors(rows),
            "anomaly_scores": fake_scores(rows),
        }
        return {name: outputs[name] for name in request.output_filter or outputs}

    async def _tell_signatures(self, request: Any, context: Any) -> Any:
        await _fail_if(self.lasting_failure or self.signatures_failure, context)
        version = await self._find_version(request.model_spec, context)
        definitions = _define_signatures(self.code_dims.get(version, CODE_DIM))
        self.spoil_signatures(definitions)
        response = GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(definitions)
        return response

    async def _tell_statuses(self, request: Any, context: Any) -> Any:
        self.looks += 1
        await _fail_if(self.lasting_failure, context)
        if not self.states:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of {request.model_spec.name}")
        response = GetModelStatusResponse()
        for version, state in self.states.items():
            code, text = self.errors.get(version, (0, ""))
            status = response.model_version_status.add(version=version, state=state)
            status.status.error_code, status.status.error_message = code, text
        return response


def _leave(message: Any) -> None:
    """Change nothing."""


async def _fail_if(failure: tuple[grpc.StatusCode, str] | None, context: Any) -> None:
    if failure is not None:
        await context.abort(*failure)


def _define_signatures(code_dim: int) -> Any:
    codes: _Tensor = ("float32", (-1, code_dim))
    looked_at = {"reconstructions": _IMAGES, "codes": codes, "errors": _FLOATS, "anomaly_scores": _FLOATS}
    signatures: dict[str, tuple[dict[str, _Tensor], dict[str, _Tensor]]] = {
        "encode": ({"images": _IMAGES}, {"codes": codes}),
        "decode": ({"codes": codes}, {"images": _IMAGES}),
        "reconstruct": ({"images": _IMAGES}, looked_at),
        "__saved_model_init_op": ({}, {}),
    }
    definitions = SignatureDefMap()
    for name, (inputs, outputs) in signatures.items():
        _define_tensors(definitions.signature_def[name].inputs, inputs)
        _define_tensors(definitions.signature_def[name].outputs, outputs)
    return definitions


def _define_tensors(into: Any, tensors: dict[str, _Tensor]) -> None:
    for name, (dtype, shape) in tensors.items():
        into[name].name, into[name].dtype = f"{name}:0", find_type(dtype)
        for size in shape:
            into[name].tensor_shape.dim.add(size=size)


@asynccontextmanager
async def running_peer(*versions: int, **options: Any) -> AsyncIterator[ServingPeer]:
    """A peer that listens inside the block."""
    peer = ServingPeer(*versions, **options)
    await peer.start()
    try:
        yield peer
    finally:
        await peer.stop()


@asynccontextmanager
async def open_backend(
    target: str, *, labels: dict[str, int] | None = None, poll_interval_s: float = 0.02, **settings: Any
) -> AsyncIterator[TFServingBackend]:
    """A started backend, which may not be ready yet."""
    model = ModelSettings(labels=labels or {}, poll_interval_s=poll_interval_s)
    backend = TFServingBackend(TFServingBackendSettings(target=target, **settings), model)
    await backend.start()
    try:
        yield backend
    finally:
        await backend.close()


async def until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - the backend has no event for it, as no caller needs one
            await asyncio.sleep(0.005)


async def encode(
    backend: TFServingBackend, selector: Selector = NEWEST, *, images: Rows | None = None, timeout_s: float = 10
) -> Answer:
    """Encode one image, or those given."""
    rows = count_images(1) if images is None else images
    return await backend.run(Call("encode", ENCODE, selector), rows, Deadline.after(timeout_s))


class EventLog:
    """Stands for the watch's logger.

    Attributes:
        lines: Event and fields of each line, in order.
        bound: What every line has besides.
    """

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self.bound: dict[str, Any] = {}

    @property
    def events(self) -> list[str]:
        """What happened, without the fields."""
        return [event for event, _ in self.lines]

    def bind(self, **fields: Any) -> "EventLog":
        """One log for all."""
        self.bound |= fields
        return self

    def info(self, event: str, **fields: Any) -> None:
        """Keep the line."""
        self.lines.append((event, fields))

    warning = error = info
