"""Tensors of a PredictRequest -> rows that the core may run: names, types, shapes and sizes are checked here."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from service import images
from service.api.tfserving.words import unparsable_tensor, wrong_inputs
from service.backends import contract
from service.domain import IMAGE_SIDE, Rows, Signature
from service.errors import (
    DigitCodecError,
    InvalidCodeError,
    InvalidImageError,
    MalformedRequestError,
    PayloadTooLargeError,
)
from service.wire.tensors import MalformedTensorError, describe_type, parse_shape, parse_tensor


class _Kind(NamedTuple):
    """What an input takes, and the error for anything else."""

    dtype: str
    item_bytes: int
    shape: str
    error: type[DigitCodecError]


_KINDS = {
    "images": _Kind("uint8", 1, f"(n, {IMAGE_SIDE}, {IMAGE_SIDE})", InvalidImageError),
    "codes": _Kind("float32", 4, "(n, code_dim)", InvalidCodeError),
}

# What reading one typed value costs, in bytes of tensor_content that cost as much: each becomes a Python object.
_BYTES_PER_TYPED_VALUE = 8


def find_tensor(inputs: Mapping[str, Any], signature: Signature) -> Any:
    """The TensorProto of the signature's one input.

    Raises:
        MalformedRequestError: If the inputs are others, fewer or more.
    """
    name = contract.INPUTS[signature]
    if len(inputs) != 1 or name not in inputs:
        raise wrong_inputs(inputs, name)
    return inputs[name]


def measure(tensor: Any, name: str, limit_bytes: int) -> int:
    """How much work reading a tensor is, in bytes: what came, or what a short message makes of its one value.

    Raises:
        MalformedRequestError: If its shape is none.
        PayloadTooLargeError: If its shape promises more than the limit.
        InvalidImageError: If its type is not that of images.
        InvalidCodeError: If its type is not that of codes.
    """
    _check_type(name, describe_type(tensor.dtype))
    try:
        promised = _KINDS[name].item_bytes * math.prod(parse_shape(tensor))
    except MalformedTensorError as error:
        raise unparsable_tensor(name) from error
    if promised > limit_bytes:
        raise PayloadTooLargeError(f"{name} of {promised} bytes came, the limit is {limit_bytes}")
    typed = len(tensor.int_val) + len(tensor.float_val)
    return max(promised, len(tensor.tensor_content), typed * _BYTES_PER_TYPED_VALUE)


def parse_rows(tensor: Any, name: str) -> Rows:
    """The rows in a tensor.

    Args:
        tensor: A TensorProto.
        name: The input that it is for.

    Raises:
        MalformedRequestError: If type, shape and values do not fit together, or there is no row.
        InvalidImageError: If it holds no images.
        InvalidCodeError: If it holds no codes, or one that is not finite.
    """
    try:
        array = parse_tensor(tensor)
    except MalformedTensorError as error:
        raise unparsable_tensor(name) from error
    return check_rows(array, name)


def check_rows(array: Rows, name: str) -> Rows:
    """The same rows if they are what the input takes; errors as `parse_rows`."""
    _check_type(name, array.dtype.name)
    fits = array.shape[1:] == (IMAGE_SIDE, IMAGE_SIDE) if name == "images" else array.ndim == 2
    if not fits:
        raise _KINDS[name].error(f"{name} of shape {array.shape} came, expected {_KINDS[name].shape}")
    if not len(array):
        raise MalformedRequestError(f"{name} without a row came, expected at least one")
    return images.to_images(array) if name == "images" else images.to_codes(array)


def _check_type(name: str, dtype: str) -> None:
    kind = _KINDS[name]
    if dtype != kind.dtype:
        raise kind.error(f"{name} of type {dtype} came, expected {kind.dtype}")
