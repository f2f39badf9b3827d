"""Tensors of the gRPC door: raw contents, or typed ones."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.api.inference.datatypes import Shape, check_count, find_datatype, find_dtype
from service.errors import MalformedRequestError, PayloadTooLargeError
from service.wire.inference_pb2 import InferTensorContents, ModelInferResponse

# Data type -> the field of typed contents that holds it, and how wide that is. None holds FP16.
_FIELDS: Mapping[str, tuple[str, np.dtype[Any]]] = MappingProxyType(
    {
        **dict.fromkeys(("UINT8", "UINT16", "UINT32"), ("uint_contents", np.dtype(np.uint32))),
        **dict.fromkeys(("INT8", "INT16", "INT32"), ("int_contents", np.dtype(np.int32))),
        "UINT64": ("uint64_contents", np.dtype(np.uint64)),
        "INT64": ("int64_contents", np.dtype(np.int64)),
        "FP32": ("fp32_contents", np.dtype(np.float32)),
        "FP64": ("fp64_contents", np.dtype(np.float64)),
    }
)


class TypedElements:
    """Elements in the field of their type."""

    def __init__(self, contents: InferTensorContents) -> None:
        self._contents = contents

    def read_numbers(self, datatype: str, shape: Shape) -> NDArray[Any]:
        """See `request.Elements`."""
        dtype = find_dtype(datatype)
        if datatype not in _FIELDS:
            raise MalformedRequestError(f"{datatype} came in contents, expected it in raw_input_contents")
        field, wide = _FIELDS[datatype]
        values = getattr(self._contents, field)
        check_count(len(values), shape)
        numbers = np.fromiter(values, wide, len(values))
        if wide.kind in "iu" and _is_out_of_range(numbers, dtype):
            raise MalformedRequestError(f"{field} holds an integer that is out of the range of {datatype}")
        return numbers.astype(dtype, copy=False)

    def read_strings(self, shape: Shape) -> list[bytes]:
        """See `request.Elements`."""
        check_count(len(self._contents.bytes_contents), shape)
        return list(self._contents.bytes_contents)


def count_bytes(contents: InferTensorContents, max_rows: int) -> int:
    """About how much a tensor's contents are; an image file counts for its length.

    Raises:
        PayloadTooLargeError: If there are more files than rows may come; looking at millions of them takes a second.
    """
    if len(contents.bytes_contents) > max_rows:
        raise PayloadTooLargeError(f"{len(contents.bytes_contents)} images came, the limit is {max_rows}")
    numbers = sum(len(getattr(contents, field)) * wide.itemsize for field, wide in set(_FIELDS.values()))
    return numbers + sum(map(len, contents.bytes_contents))


def add_typed(array: NDArray[Any], output: ModelInferResponse.InferOutputTensor) -> None:
    """Put numbers into the field of their type."""
    field, _ = _FIELDS[find_datatype(array.dtype)]
    getattr(output.contents, field).extend(array.reshape(-1).tolist())


def _is_out_of_range(numbers: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    bounds = np.iinfo(dtype)
    return bool(numbers.min() < bounds.min or numbers.max() > bounds.max)
