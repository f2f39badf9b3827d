"""The gRPC door's messages <-> an inference and its answer."""

from collections.abc import Mapping
from typing import Any

from service.api.inference.binary import RawElements, render_raw
from service.api.inference.datatypes import find_datatype, parse_shape
from service.api.inference.fields import check_length
from service.api.inference.request import Elements, InferAnswer, InferRequest, InputTensor
from service.api.inference.rpc_tensors import TypedElements, add_typed, count_bytes
from service.errors import MalformedRequestError
from service.wire.inference_pb2 import InferParameter, ModelInferRequest, ModelInferResponse


def parse_message(message: ModelInferRequest, max_rows: int) -> InferRequest:
    """What a message asks for.

    Raises:
        PayloadTooLargeError: If a tensor has more strings of bytes than a request may have rows.
        MalformedRequestError: If some inputs are raw and others are not, a shape is none, or there is too much.
    """
    for field in ("inputs", "outputs", "parameters"):
        check_length(len(getattr(message, field)), field)
    raw = message.raw_input_contents
    return InferRequest(
        message.model_name,
        message.model_version,
        message.id,
        _parse_parameters(message.parameters),
        _parse_inputs(message),
        tuple(output.name for output in message.outputs),
        sum(map(len, raw)) + sum(count_bytes(tensor.contents, max_rows) for tensor in message.inputs),
    )


def render_message(answer: InferAnswer, *, raw: bool) -> ModelInferResponse:
    """The message of an answer: raw where the request was."""
    message = ModelInferResponse(model_name=answer.model_name, model_version=answer.model_version, id=answer.id)
    for name, array in answer.outputs.items():
        output = message.outputs.add(name=name, datatype=find_datatype(array.dtype), shape=array.shape)
        if raw:
            message.raw_output_contents.append(render_raw(array))
        else:
            add_typed(array, output)
    return message


def _parse_parameters(parameters: Mapping[str, InferParameter]) -> dict[str, Any]:
    chosen = {name: (value, value.WhichOneof("parameter_choice")) for name, value in parameters.items()}
    return {name: getattr(value, field) for name, (value, field) in chosen.items() if field is not None}


def _parse_inputs(message: ModelInferRequest) -> tuple[InputTensor, ...]:
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise MalformedRequestError(
            f"{len(raw)} raw_input_contents came for {len(message.inputs)} inputs, expected one each, or none"
        )
    if raw and any(tensor.HasField("contents") for tensor in message.inputs):
        raise MalformedRequestError("an input has contents beside raw_input_contents, expected one of them")
    sources: list[Elements] = [RawElements(data) for data in raw]
    sources = sources or [TypedElements(tensor.contents) for tensor in message.inputs]
    return tuple(
        InputTensor(tensor.name, tensor.datatype, parse_shape(tensor.shape), elements)
        for tensor, elements in zip(message.inputs, sources, strict=True)
    )
