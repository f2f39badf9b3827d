"""TensorFlow's TensorProto <-> NumPy arrays; knows nothing of what they mean."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.wire.tensorflow_serving import TensorProto

# Numbers of tensorflow.DataType (types.proto), NumPy's type, and the typed field that may hold the values.
_STRING = 7
_BFLOAT16 = 14
_NUMBERS: Mapping[int, tuple[np.dtype[Any], str]] = MappingProxyType(
    {
        1: (np.dtype("<f4"), "float_val"),
        2: (np.dtype("<f8"), "double_val"),
        3: (np.dtype("<i4"), "int_val"),
        4: (np.dtype("u1"), "int_val"),
        5: (np.dtype("<i2"), "int_val"),
        6: (np.dtype("i1"), "int_val"),
        9: (np.dtype("<i8"), "int64_val"),
        10: (np.dtype("?"), "bool_val"),
        17: (np.dtype("<u2"), "int_val"),
        19: (np.dtype("<f2"), "half_val"),
        22: (np.dtype("<u4"), "uint32_val"),
        23: (np.dtype("<u8"), "uint64_val"),
    }
)
_TYPES = MappingProxyType({dtype: number for number, (dtype, _) in _NUMBERS.items()})
# A shape may promise any number of elements; what a small message may make of its one value is bounded.
_MAX_REPEATED_BYTES = 2**28

Tensor = NDArray[Any]


class MalformedTensorError(ValueError):
    """A TensorProto that does not make a tensor, or one of a type that is no number and no string."""


def render_tensor(array: Tensor, *, packed: bool = True) -> Any:
    """The array as a TensorProto.

    Args:
        array: Numbers of any shape.
        packed: In `tensor_content`; else in the field of their type, as TensorFlow Serving answers by default.
    """
    tensor = TensorProto(dtype=_TYPES[array.dtype])
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if packed:
        tensor.tensor_content = array.tobytes()
    else:
        values = array.view(np.uint16) if array.dtype == np.float16 else array
        getattr(tensor, _NUMBERS[tensor.dtype][1]).extend(values.ravel().tolist())
    return tensor


def parse_tensor(tensor: Any) -> Tensor:
    """The array in a TensorProto: from `tensor_content`, else from the field of its type.

    Returns:
        Numbers of NumPy's own type, or bytes objects for DT_STRING; read-only where they share the message's memory.

    Raises:
        MalformedTensorError: If type, shape and values do not fit together.
    """
    shape = _parse_shape(tensor)
    if tensor.dtype == _STRING:
        return _fit(np.array(list(tensor.string_val), object), shape)
    if tensor.dtype == _BFLOAT16:
        return _parse_bfloat16(tensor, shape)
    if tensor.dtype not in _NUMBERS:
        raise MalformedTensorError(f"the data type {tensor.dtype} is not supported")
    dtype, field = _NUMBERS[tensor.dtype]
    if tensor.tensor_content:
        return _parse_content(tensor.tensor_content, dtype, shape)
    return _fit(_parse_values(getattr(tensor, field), dtype), shape)


def describe_type(number: int) -> str:
    """The name of a tensorflow.DataType as NumPy has it, for example `uint8`; DT_7 and the like for others."""
    return _NUMBERS[number][0].name if number in _NUMBERS else f"DT_{number}"


def find_type(name: str) -> int:
    """The number of the tensorflow.DataType that NumPy calls `name`."""
    return _TYPES[np.dtype(name)]


def _parse_shape(tensor: Any) -> tuple[int, ...]:
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise MalformedTensorError(f"the shape {list(shape)} is not fully known")
    return shape


def _parse_content(content: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Tensor:
    expected = math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise MalformedTensorError(f"{len(content)} bytes of content came, {dtype.name} {list(shape)} has {expected}")
    return np.frombuffer(content, dtype).reshape(shape)


def _parse_values(values: Any, dtype: np.dtype[Any]) -> Tensor:
    if dtype == np.float16:  # its values are bit patterns in 32-bit integers
        return np.array(values, np.uint32).astype(np.uint16).view(np.float16)
    wide: Tensor = np.array(values)
    if wide.size and dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        if wide.min() < bounds.min or wide.max() > bounds.max:
            raise MalformedTensorError(f"a value is out of the range of {dtype.name}")
    return wide.astype(dtype)


def _parse_bfloat16(tensor: Any, shape: tuple[int, ...]) -> Tensor:
    if tensor.tensor_content:
        halves = _parse_content(tensor.tensor_content, np.dtype("<u2"), shape)
    else:
        halves = _fit(np.array(tensor.half_val, np.uint32).astype(np.uint16), shape)
    # bfloat16 is the upper half of a float32.
    return (halves.astype(np.uint32) << 16).view(np.float32)


def _fit(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Values in their shape; where there are fewer, the last one is repeated, as tensor.proto says."""
    wanted = math.prod(shape)
    if len(values) == wanted:
        return values.reshape(shape)
    if not len(values) or len(values) > wanted:
        raise MalformedTensorError(f"{len(values)} values came, the shape {list(shape)} has {wanted}")
    if wanted * values.itemsize > _MAX_REPEATED_BYTES:
        raise MalformedTensorError(f"the shape {list(shape)} has {wanted} elements, too many for a repeated value")
    return np.concatenate([values, np.full(wanted - len(values), values[-1], values.dtype)]).reshape(shape)
