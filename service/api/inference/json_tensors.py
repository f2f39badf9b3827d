"""Tensors as JSON: row-major lists, nested as their shape or flat."""

import binascii
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.api.inference.datatypes import Shape, check_count, find_dtype
from service.api.inference.fields import check_kind
from service.errors import InvalidImageError, MalformedRequestError


class JsonElements:
    """Elements in the `data` of a tensor; those of a BYTES tensor in base64, as JSON has no bytes."""

    def __init__(self, data: list[Any]) -> None:
        self._data = data

    def read_numbers(self, datatype: str, shape: Shape) -> NDArray[Any]:
        """See `request.Elements`."""
        dtype = find_dtype(datatype)
        numbers = _flatten(self._data, shape)
        _check_kinds(numbers, {int, float} if dtype.kind == "f" else {int}, datatype)
        try:
            with np.errstate(over="ignore"):  # what becomes infinite is refused with its place, as any such number
                return np.array(numbers, dtype)
        except OverflowError:
            raise MalformedRequestError(f"data holds an integer that is out of the range of {datatype}") from None

    def read_strings(self, shape: Shape) -> list[bytes]:
        """See `request.Elements`.

        Raises:
            InvalidImageError: If an element is not base64.
        """
        return [_decode(index, text) for index, text in enumerate(_flatten(self._data, shape))]


def _flatten(data: list[Any], shape: Shape) -> list[Any]:
    level = data
    if data and isinstance(data[0], list):
        level = [data]
        for size in shape:
            if not all(isinstance(part, list) and len(part) == size for part in level):
                raise MalformedRequestError(f"data is neither flat nor nested as its shape {list(shape)}")
            level = list(chain.from_iterable(level))
    check_count(len(level), shape)
    return level


def _check_kinds(numbers: list[Any], kinds: set[type], datatype: str) -> None:
    if not set(map(type, numbers)) <= kinds:
        wrong = next(number for number in numbers if type(number) not in kinds)
        check_kind(wrong, float if float in kinds else int, f"an element of {datatype}")


def _decode(index: int, text: Any) -> bytes:
    try:
        return binascii.a2b_base64(check_kind(text, str, f"element {index} of a BYTES tensor"), strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidImageError(f"element {index} of a BYTES tensor is not base64") from error
