"""Tensors as bytes: the protocol's raw contents over gRPC, and the binary tensor data extension over HTTP."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.api.inference.datatypes import Shape, check_count, find_dtype
from service.errors import MalformedRequestError

_LENGTH_BYTES = 4


class RawElements:
    """Elements in little-endian order, without gaps; each of a BYTES tensor after its length in four bytes."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)

    def read_numbers(self, datatype: str, shape: Shape) -> NDArray[Any]:
        """See `request.Elements`."""
        dtype = find_dtype(datatype)
        count, rest = divmod(len(self._data), dtype.itemsize)
        if rest:
            raise MalformedRequestError(
                f"{len(self._data)} bytes of {datatype} came, expected a multiple of {dtype.itemsize}"
            )
        check_count(count, shape)
        return np.frombuffer(self._data, dtype)

    def read_strings(self, shape: Shape) -> list[bytes]:
        """See `request.Elements`."""
        strings: list[bytes] = []
        start = 0
        for index in range(math.prod(shape)):
            begin = start + _LENGTH_BYTES
            end = begin + int.from_bytes(self._data[start:begin], "little")
            if end > len(self._data):
                raise MalformedRequestError(f"the bytes end inside element {index} of a BYTES tensor {list(shape)}")
            strings.append(bytes(self._data[begin:end]))
            start = end
        if start < len(self._data):
            raise MalformedRequestError(f"{len(self._data) - start} bytes came behind a BYTES tensor {list(shape)}")
        return strings


def prefix_string(data: bytes) -> bytes:
    """The bytes of a BYTES tensor of one element."""
    return len(data).to_bytes(_LENGTH_BYTES, "little") + data


def render_raw(array: NDArray[Any]) -> bytes:
    """The bytes of a tensor of numbers."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
