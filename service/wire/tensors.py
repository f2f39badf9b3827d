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
_HALF_BITS = np.dtype("<u2")
_TYPES = MappingProxyType({dtype: number for number, (dtype, _) in _NUMBERS.items()})
MAX_DIMENSIONS = 8
"""Most dimensions of a shape: images have at most four, and multiplying a million of them would take minutes."""

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
    shape = parse_shape(tensor)
    if tensor.dtype == _STRING:
        return _parse_strings(tensor.string_val, shape)
    if tensor.dtype == _BFLOAT16:
        return _parse_bfloat16(tensor, shape)
    if tensor.dtype not in _NUMBERS:
        raise MalformedTensorError(f"the data type {tensor.dtype} is not supported")
    dtype, field = _NUMBERS[tensor.dtype]
    if tensor.tensor_content:
        return _parse_content(tensor.tensor_content, dtype, shape)
    values = getattr(tensor, field)
    _check_count(len(values), shape, dtype.itemsize)
    return _fit(_parse_values(values, dtype), shape)


def parse_shape(tensor: Any) -> tuple[int, ...]:
    """The shape of a TensorProto.

    Raises:
        MalformedTensorError: If it has too many dimensions, or is not fully known.
    """
    dimensions = tensor.tensor_shape.dim
    if len(dimensions) > MAX_DIMENSIONS:
        raise MalformedTensorError(f"a shape of {len(dimensions)} dimensions came, the limit is {MAX_DIMENSIONS}")
    shape = tuple(dim.size for dim in dimensions)
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise MalformedTensorError(f"the shape {list(shape)} is not fully known")
    return shape


def describe_type(number: int) -> str:
    """The name of a tensorflow.DataType as NumPy has it, for example `uint8`, or `string`; else DT_8 and the like."""
    if number == _STRING:
        return "string"
    return _NUMBERS[number][0].name if number in _NUMBERS else f"DT_{number}"


def find_type(name: str) -> int:
    """The number of the tensorflow.DataType that NumPy calls `name`."""
    return _TYPES[np.dtype(name)]


def _check_count(came: int, shape: tuple[int, ...], item_bytes: int) -> None:
    """Refuse what does not fit, before each value becomes an object of Python's or NumPy's.

    Fewer values than the shape has are no mistake: the last one is repeated, as tensor.proto says.
    """
    wanted = math.prod(shape)
    if came > wanted or (wanted and not came):
        raise MalformedTensorError(f"{came} values came, the shape {list(shape)} has {wanted}")
    if came < wanted and wanted * item_bytes > _MAX_REPEATED_BYTES:
        raise MalformedTensorError(f"the shape {list(shape)} has {wanted} elements, too many for a repeated value")


def _parse_content(content: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Tensor:
    expected = math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise MalformedTensorError(f"{len(content)} bytes of content came, {dtype.name} {list(shape)} has {expected}")
    return _reshape(np.frombuffer(content, dtype), shape)


def _parse_values(values: Any, dtype: np.dtype[Any]) -> Tensor:
    if dtype == np.float16:  # its values are bit patterns in 32-bit integers
        return _parse_values(values, _HALF_BITS).view(np.float16)
    wide: Tensor = np.array(values)
    if wide.size and dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        if wide.min() < bounds.min or wide.max() > bounds.max:
            raise MalformedTensorError(f"a value is out of the range of {dtype.name}")
    return wide.astype(dtype)


def _parse_strings(values: Any, shape: tuple[int, ...]) -> Tensor:
    _check_count(len(values), shape, np.dtype(object).itemsize)
    return _fit(np.array(list(values), object), shape)


def _parse_bfloat16(tensor: Any, shape: tuple[int, ...]) -> Tensor:
    if tensor.tensor_content:
        return _widen(_parse_content(tensor.tensor_content, _HALF_BITS, shape))
    _check_count(len(tensor.half_val), shape, np.dtype(np.float32).itemsize)
    return _fit(_widen(_parse_values(tensor.half_val, _HALF_BITS)), shape)


def _widen(halves: Tensor) -> Tensor:
    """A bfloat16 is the upper half of a float32."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


def _fit(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Values of a number that was checked, in their shape; where there are fewer, the last one is repeated."""
    missing = math.prod(shape) - len(values)
    if missing:
        values = np.concatenate([values, np.full(missing, values[-1], values.dtype)])
    return _reshape(values, shape)


def _reshape(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    try:
        return values.reshape(shape)
    except ValueError as error:  # a shape without an element may still have a size beyond NumPy's
        raise MalformedTensorError(f"the shape {list(shape)} is too large") from error
