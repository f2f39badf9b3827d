"""The row and the column form of a predict body, and of its answer."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from service.api.json_text import load_json
from service.api.tfserving.signatures import DEFAULT, find_signature
from service.api.tfserving.values import parse_values
from service.api.tfserving.words import unknown_rest_signature
from service.backends import contract
from service.domain import Answer, Rows, Signature
from service.errors import MalformedRequestError, PayloadTooLargeError
from service.words import shorten

_MAX_SHOWN_KEYS = 8
_NOT_FINITE = re.compile(rb"-?(?:nan|inf)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PredictBody:
    """What a body asks for.

    Attributes:
        signature: The signature.
        is_row_form: True for `instances`, which are answered by `predictions`; else `inputs`, and `outputs`.
        rows: What the signature is to run on.
    """

    signature: Signature
    is_row_form: bool
    rows: Rows


def parse_predict_body(body: bytes, max_rows: int) -> PredictBody:
    """Read a body.

    Raises:
        MalformedRequestError: If it is no JSON object in one of the two forms, or has no rows.
        UnlistedError: If there is no such signature.
        PayloadTooLargeError: If it has more rows than the limit, or is cut into too many parts.
        InvalidImageError: If a row is no image.
        InvalidCodeError: If a row is no code.
    """
    document = _load(body)
    signature = _find_signature(document)
    is_row_form, name = _is_row_form(document), contract.INPUTS[signature]
    values = _unwrap_rows(document["instances"], name) if is_row_form else _unwrap_column(document["inputs"], name)
    if len(values) > max_rows:
        raise PayloadTooLargeError(f"{len(values)} rows came, the limit is {max_rows}")
    return PredictBody(signature, is_row_form, parse_values(values, name))


def render_answer(answer: Answer, *, is_row_form: bool) -> bytes:
    """The answer in the form of its request; with one output its values are bare, else they are named."""
    # orjson takes no array with gaps, such as a column of a wider one.
    outputs = {name: np.ascontiguousarray(array) for name, array in answer.outputs.items()}
    if len(outputs) == 1:
        (bare,) = outputs.values()
        document: dict[str, Any] = {"predictions" if is_row_form else "outputs": bare}
    elif is_row_form:
        columns = zip(*outputs.values(), strict=True)
        document = {"predictions": [dict(zip(outputs, row, strict=True)) for row in columns]}
    else:
        document = {"outputs": outputs}
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def _load(body: bytes) -> dict[str, Any]:
    if not body or body.isspace():
        raise MalformedRequestError("JSON Parse error: The document is empty")
    try:
        document = load_json(body)
    except orjson.JSONDecodeError as error:
        # Python's own json module writes these words, so that a caller may not know what they sent.
        not_finite = _NOT_FINITE.match(body, max(error.pos - 1, 0)) or _NOT_FINITE.match(body, error.pos)
        what = "NaN or Infinity, expected a finite number" if not_finite else error.msg
        raise MalformedRequestError(f"JSON Parse error: {what} at offset: {error.pos}") from error
    if not isinstance(document, dict):
        raise MalformedRequestError(f"JSON Value: {type(document).__name__} Is not object")
    return document


def _find_signature(document: dict[str, Any]) -> Signature:
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise MalformedRequestError("JSON Value not formatted correctly. 'signature_name' key must be a string value.")
    signature = find_signature(name)
    if signature is None:
        raise unknown_rest_signature(name or DEFAULT)
    return signature


def _is_row_form(document: dict[str, Any]) -> bool:
    if "instances" in document and "inputs" in document:
        raise MalformedRequestError(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        )
    if "instances" not in document and "inputs" not in document:
        raise MalformedRequestError("Missing 'inputs' or 'instances' key")
    return "instances" in document


def _unwrap_rows(instances: Any, name: str) -> list[Any]:
    """The value of each instance: all come bare, or all as objects of exactly the one input."""
    if not isinstance(instances, list):
        raise MalformedRequestError("Excepting 'instances' to be an list/array")
    if not instances:
        raise MalformedRequestError("No values in 'instances' array")
    are_objects = isinstance(instances[0], dict)
    for index, instance in enumerate(instances):
        if isinstance(instance, dict) != are_objects:
            kinds = "object but got list" if are_objects else "value/list but got object"
            raise MalformedRequestError(f"Expecting {kinds} at item {index} of input list")
        if are_objects:
            _check_keys(instance, index, name)
    return [instance[name] for instance in instances] if are_objects else instances


def _check_keys(instance: dict[str, Any], index: int, name: str) -> None:
    if instance.keys() != {name}:
        came = ",".join(shorten(key) for key in sorted(instance)[:_MAX_SHOWN_KEYS])
        raise MalformedRequestError(
            f"Failed to process element: {index} of 'instances' list. "
            f"JSON object: {{{came}}} keys must be equal to: {name}"
        )


def _unwrap_column(inputs: Any, name: str) -> list[Any]:
    """The rows of the one input, bare or by its name; other names are ignored, as TensorFlow Serving does."""
    if isinstance(inputs, dict):
        if name not in inputs:
            raise MalformedRequestError(f"Missing named input: {name} in 'inputs' object.")
        inputs = inputs[name]
    if not isinstance(inputs, list) or not inputs:
        raise MalformedRequestError(f"{name} without a row came in 'inputs', expected a list of at least one")
    return inputs
