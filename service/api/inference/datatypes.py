"""Data types and shapes of the Open Inference Protocol, and what NumPy calls them."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from service.api.inference.fields import check_kind
from service.errors import MalformedRequestError
from service.wire.tensors import MAX_DIMENSIONS
from service.words import shorten

BYTES = "BYTES"

NUMBERS: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        "UINT8": np.dtype("u1"),
        "UINT16": np.dtype("<u2"),
        "UINT32": np.dtype("<u4"),
        "UINT64": np.dtype("<u8"),
        "INT8": np.dtype("i1"),
        "INT16": np.dtype("<i2"),
        "INT32": np.dtype("<i4"),
        "INT64": np.dtype("<i8"),
        "FP16": np.dtype("<f2"),
        "FP32": np.dtype("<f4"),
        "FP64": np.dtype("<f8"),
    }
)
"""Types that images and codes may come in; on the wire they are little-endian."""

_NAMES = MappingProxyType({dtype: name for name, dtype in NUMBERS.items()})

Shape = tuple[int, ...]


def find_dtype(datatype: str) -> np.dtype[Any]:
    """NumPy's type for a data type of numbers.

    Raises:
        MalformedRequestError: If it is none.
    """
    if datatype not in NUMBERS:
        raise MalformedRequestError(f"datatype is {shorten(datatype)}, expected one of {', '.join(NUMBERS)}, {BYTES}")
    return NUMBERS[datatype]


def find_datatype(dtype: np.dtype[Any]) -> str:
    """The protocol's name of a type that a model answers."""
    return _NAMES[dtype]


def parse_shape(sizes: Sequence[Any]) -> Shape:
    """The shape of a tensor that comes in.

    Raises:
        MalformedRequestError: If it is not fully known, has too many dimensions, or has no element.
    """
    if len(sizes) > MAX_DIMENSIONS:
        raise MalformedRequestError(f"a shape of {len(sizes)} dimensions came, the limit is {MAX_DIMENSIONS}")
    shape = tuple(check_kind(size, int, "a size in shape") for size in sizes)
    if any(size < 1 for size in shape):
        raise MalformedRequestError(f"shape is {list(shape)}, expected positive integers")
    return shape


def check_count(came: int, shape: Shape) -> None:
    """Refuse another number of elements than the shape has.

    Raises:
        MalformedRequestError: If they differ.
    """
    expected = math.prod(shape)
    if came != expected:
        raise MalformedRequestError(f"{came} elements came, the shape {list(shape)} has {expected}")
