"""PredictionService and ModelService of TensorFlow Serving: reads the messages, and hands them to who knows."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc

from service.api.context import DoorContext
from service.api.exchange import Exchange, grpc_door
from service.api.grpc.calls import CallTracker
from service.api.grpc.frame import RpcFrame, add_service
from service.api.reading import render_rows, run_by_size
from service.api.tfserving.inputs import find_tensor, measure, parse_rows
from service.api.tfserving.labels import Relabel, reload_labels
from service.api.tfserving.metadata import check_fields, render_metadata
from service.api.tfserving.predict import Ask, predict
from service.api.tfserving.routes import PROBES
from service.api.tfserving.signatures import DEFAULT, choose_outputs, find_signature
from service.api.tfserving.spec import Spec, parse_spec
from service.api.tfserving.states import render_states
from service.api.tfserving.status import render_rpc_failure
from service.api.tfserving.versions import find_version
from service.api.tfserving.words import unknown_rpc_signature
from service.backends import contract
from service.domain import Answer, Deadline
from service.wire import tensorflow_serving as wire
from service.wire.tensors import render_tensor

DOOR = grpc_door("tfs-grpc")

_Work = Callable[[Any, Deadline, Exchange], Awaitable[Any]]


def add_serving_services(
    server: grpc.aio.Server,
    context: DoorContext,
    tracker: CallTracker,
    *,
    packed_tensors: bool,
    relabel: Relabel | None,
) -> tuple[str, ...]:
    """Let the server answer as TensorFlow Serving does.

    Args:
        server: Not started yet.
        context: The core, the limits and the log.
        tracker: Is told of every call.
        packed_tensors: Answer with `tensor_content`, which some clients cannot read, instead of typed fields.
        relabel: Changes the labels of versions; None if they are settings.

    Returns:
        The full names of the services.
    """
    calls = _Calls(context, packed_tensors=packed_tensors, relabel=relabel)
    frame = RpcFrame(DOOR, context, tracker, render_rpc_failure, probes=PROBES)
    methods: dict[wire.Method, tuple[str, _Work]] = {
        wire.PREDICT: ("predict", calls.predict),
        wire.GET_MODEL_METADATA: ("metadata", calls.get_metadata),
        wire.GET_MODEL_STATUS: ("status", calls.get_status),
        wire.HANDLE_RELOAD_CONFIG: ("reload", calls.reload_config),
    }
    for method, (operation, work) in methods.items():
        takes_rows = method is wire.PREDICT
        handler = frame.build_handler(operation, method.request, work, takes_rows=takes_rows)
        add_service(server, method.service, {method.name: handler})
    return wire.PREDICTION_SERVICE, wire.MODEL_SERVICE


class _Calls:
    """What each method does; raises core errors, which the frame renders."""

    def __init__(self, context: DoorContext, *, packed_tensors: bool, relabel: Relabel | None) -> None:
        self._context = context
        self._codec = context.codec
        self._packed_tensors = packed_tensors
        self._relabel = relabel

    async def predict(self, request: Any, deadline: Deadline, exchange: Exchange) -> Any:
        spec = self._parse_spec(request)
        asked = request.model_spec.signature_name or DEFAULT
        signature = find_signature(asked)
        if signature is None:
            raise unknown_rpc_signature(asked)
        tensor, name = find_tensor(request.inputs, signature), contract.INPUTS[signature]
        outputs = choose_outputs(signature, request.output_filter)
        size_bytes = measure(tensor, name, self._context.limits.max_body_bytes)
        parse, timings = partial(parse_rows, tensor, name), exchange.origin.timings
        rows = await run_by_size(parse, size_bytes, self._context.bulk, timings)
        answer = await predict(self._context, Ask(spec, deadline, exchange), signature, outputs, rows)
        return await render_rows(partial(self._render, answer, asked), len(rows), self._context.bulk)

    async def get_metadata(self, request: Any, deadline: Deadline, exchange: Exchange) -> Any:
        spec = parse_spec(request)
        check_fields(request.metadata_field)
        spec.check_model(self._codec.model_name)
        status = await find_version(self._context, Ask(spec, deadline, exchange))
        exchange.version = status.version
        return render_metadata(self._codec.model_name, status)

    async def get_status(self, request: Any, deadline: Deadline, exchange: Exchange) -> Any:  # noqa: ARG002 - a `_Work`
        return render_states(parse_spec(request), self._codec.model_name, self._codec.describe())

    async def reload_config(self, request: Any, deadline: Deadline, exchange: Exchange) -> Any:  # noqa: ARG002 - a `_Work`
        reload_labels(request.config, self._codec.model_name, self._codec.describe(), self._relabel)
        response = wire.ReloadConfigResponse()
        response.status.SetInParent()
        return response

    def _parse_spec(self, request: Any) -> Spec:
        spec = parse_spec(request)
        spec.check_model(self._codec.model_name)
        return spec

    def _render(self, answer: Answer, signature_name: str) -> Any:
        response = wire.PredictResponse()
        response.model_spec.name = self._codec.model_name
        response.model_spec.version.value = answer.version
        response.model_spec.signature_name = signature_name
        for name, array in answer.outputs.items():
            response.outputs[name].CopyFrom(render_tensor(array, packed=self._packed_tensors))
        return response
