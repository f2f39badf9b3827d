"""The REST door's requests: a JSON document, with the bytes of tensors behind it or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from service.api.inference.binary import RawElements
from service.api.inference.datatypes import parse_shape
from service.api.inference.fields import check_kind, check_length, require, take
from service.api.inference.json_tensors import JsonElements
from service.api.inference.request import Elements, InferRequest, InputTensor
from service.api.json_text import load_json
from service.errors import MalformedRequestError


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """Which outputs go back as bytes.

    Attributes:
        is_binary: What holds for outputs that say nothing.
        by_output: What holds for the others.
    """

    is_binary: bool
    by_output: Mapping[str, bool]

    def wants_bytes(self, output: str) -> bool:
        """True if this output goes back as bytes."""
        return self.by_output.get(output, self.is_binary)


def parse_request(
    body: memoryview, header_bytes: int | None, model_name: str, model_version: str
) -> tuple[InferRequest, AnswerFormat]:
    """A request, and how its answer is to be written.

    Args:
        body: All of it.
        header_bytes: Length of the JSON at its beginning; None where it is all JSON.
        model_name: The model of the path.
        model_version: The version of the path.

    Raises:
        MalformedRequestError: If it is no request, or its sizes do not add up to the body's.
        PayloadTooLargeError: If its JSON is cut into too many parts.
    """
    header, buffers = _split(body, header_bytes)
    document = load_object(header)
    outputs = _check_objects(take(document, "outputs", list) or [], "outputs")
    parameters: Mapping[str, Any] = take(document, "parameters", dict) or {}
    request = InferRequest(
        model_name,
        model_version,
        take(document, "id", str) or "",
        parameters,
        _parse_inputs(require(document, "inputs", list), buffers),
        tuple(require(output, "name", str, "outputs.") for output in outputs),
        len(body),
    )
    return request, _parse_format(parameters, outputs)


def _split(body: memoryview, header_bytes: int | None) -> tuple[memoryview, memoryview]:
    """The JSON, and the bytes behind it."""
    if header_bytes is None:
        header_bytes = len(body)
    if header_bytes > len(body):
        raise MalformedRequestError(
            f"Inference-Header-Content-Length is {header_bytes}, the body has {len(body)} bytes"
        )
    return body[:header_bytes], body[header_bytes:]


def load_object(body: bytes | memoryview) -> dict[str, Any]:
    """A JSON object.

    Raises:
        MalformedRequestError: If it is none.
        PayloadTooLargeError: If it is cut into too many parts.
    """
    try:
        document = load_json(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequestError(f"the body is not JSON: {error.msg} at character {error.pos}") from error
    return check_kind(document, dict, "the JSON body")


def _check_objects(items: Sequence[Any], where: str) -> list[dict[str, Any]]:
    check_length(len(items), where)
    return [check_kind(item, dict, f"an element of {where}") for item in items]


def _parse_inputs(inputs: list[Any], buffers: memoryview) -> tuple[InputTensor, ...]:
    """Inputs; the bytes of those that are binary follow each other in their order."""
    tensors = []
    start = 0
    for document in _check_objects(inputs, "inputs"):
        size = _find_size(document)
        tensors.append(_parse_input(document, None if size is None else buffers[start : start + size]))
        start += size or 0
    if start != len(buffers):
        raise MalformedRequestError(
            f"{len(buffers)} bytes came behind the JSON, binary_data_size of all inputs together is {start}"
        )
    return tuple(tensors)


def _find_size(document: dict[str, Any]) -> int | None:
    size = take(take(document, "parameters", dict, "inputs.") or {}, "binary_data_size", int, "inputs.parameters.")
    if size is not None and size < 0:
        raise MalformedRequestError(f"binary_data_size is {size}, expected a number of bytes")
    return size


def _parse_input(document: dict[str, Any], raw: memoryview | None) -> InputTensor:
    if raw is not None and "data" in document:
        raise MalformedRequestError("an input has both data and binary_data_size, expected one of them")
    elements: Elements = JsonElements(require(document, "data", list, "inputs.")) if raw is None else RawElements(raw)
    return InputTensor(
        require(document, "name", str, "inputs."),
        require(document, "datatype", str, "inputs."),
        parse_shape(require(document, "shape", list, "inputs.")),
        elements,
    )


def _parse_format(parameters: Mapping[str, Any], outputs: list[dict[str, Any]]) -> AnswerFormat:
    by_output = {}
    for output in outputs:
        choice = take(take(output, "parameters", dict, "outputs.") or {}, "binary_data", bool, "outputs.parameters.")
        if choice is not None:
            by_output[output["name"]] = choice
    return AnswerFormat(take(parameters, "binary_data_output", bool, "parameters.") or False, by_output)
