"""Calls -> Predict requests, and Predict responses -> answers; sends nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.backends.contract import INPUTS
from service.domain import Answer, Call, Origin, Rows, Selector
from service.errors import BackendContractError
from service.wire.tensorflow_serving import ModelSpec, PredictRequest
from service.wire.tensors import parse_tensor, render_tensor

# gRPC servers refuse more than 8 KiB of metadata: a batch of many callers names the first ones.
_MAX_REQUEST_IDS = 16
_MAX_VALUE_CHARACTERS = 128


def find_number(selector: Selector, labels: Mapping[str, int]) -> int | None:
    """The version that the selector names, where we can tell; None if the server decides."""
    if selector.label is not None:
        return labels.get(selector.label)
    return selector.version


def render_request(call: Call, rows: Rows, model_name: str, labels: Mapping[str, int]) -> Any:
    """The PredictRequest of one batch, which asks for no more outputs than are wanted."""
    spec = ModelSpec(name=model_name, signature_name=call.signature)
    number = find_number(call.selector, labels)
    if number is not None:
        spec.version.value = number
    elif call.selector.label is not None:
        spec.version_label = call.selector.label
    return PredictRequest(
        model_spec=spec, inputs={INPUTS[call.signature]: render_tensor(rows)}, output_filter=call.outputs
    )


def render_metadata(origins: Sequence[Origin]) -> list[tuple[str, str]]:
    """What lets the server's log be joined with ours: request ids, and the first trace.

    A value that HTTP/2 does not allow, or that is too long, is left out: it must not fail the batch.
    """
    request_ids = dict.fromkeys(origin.request_id for origin in origins if _is_sendable(origin.request_id))
    metadata = [("x-request-id", value) for value in list(request_ids)[:_MAX_REQUEST_IDS]]
    traces = (origin.traceparent or "" for origin in origins)
    first_trace = next(filter(_is_sendable, traces), None)
    return metadata if first_trace is None else [*metadata, ("traceparent", first_trace)]


def parse_answer(call: Call, response: Any, labels: Mapping[str, int]) -> Answer:
    """The wanted outputs of a PredictResponse; one that is missing is left to `contract.check_answer`.

    Raises:
        BackendContractError: If the version is missing or not the one that was asked for, or a tensor is malformed.
    """
    spec = response.model_spec
    if not spec.HasField("version"):
        raise BackendContractError("the model server's answer does not say which version computed it")
    version, asked = spec.version.value, find_number(call.selector, labels)
    if asked is not None and version != asked:
        raise BackendContractError(f"version {version} answered, version {asked} was asked for")
    wanted = [name for name in call.outputs if name in response.outputs]
    return Answer(version, {name: _parse_output(call, name, response.outputs[name]) for name in wanted})


def _parse_output(call: Call, name: str, tensor: Any) -> Rows:
    try:
        return parse_tensor(tensor)
    except ValueError as error:  # NumPy's own too: a shape may be larger than any array
        raise BackendContractError(f"{call.signature}.{name} is malformed: {error}") from error


def _is_sendable(value: str) -> bool:
    return 0 < len(value) <= _MAX_VALUE_CHARACTERS and value.isascii() and value.isprintable()
