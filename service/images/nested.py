"""A 28x28 nested list, as JSON brings it -> a checked uint8 image."""

from typing import Any

import numpy as np

from service.domain import IMAGE_SIDE, Images
from service.errors import Fault, InvalidImageError
from service.images.arrays import scale_pixels

_JSON_NAMES = {type(None): "null", bool: "a boolean", str: "a string", dict: "an object", list: "a list"}
_MAX_SHOWN_CHARACTERS = 32


def parse_nested(value: object) -> Images:
    """One image from a list of 28 lists of 28 numbers.

    All integers 0..255, or floats 0..1; a list that holds any float is a float image, in which the integers
    0 and 1 are fine.

    Returns:
        uint8 (28, 28).

    Raises:
        InvalidImageError: If the list is ragged or not 28x28, or holds anything else than such numbers; it names
            the row, the column and what came.
    """
    rows = _check_rows(value)
    kinds = {type(pixel) for row in rows for pixel in row}
    try:
        if kinds == {int}:
            return np.array(rows, np.uint8)
        if kinds <= {int, float}:
            return scale_pixels(np.array(rows, np.float64))
    except (OverflowError, InvalidImageError):
        raise _find_fault(rows, is_float=float in kinds) from None
    raise _find_fault(rows, is_float=float in kinds)


def _check_rows(value: object) -> list[list[Any]]:
    if not isinstance(value, list):
        raise InvalidImageError(f"got {_name(value)}, expected a list of 28 rows")
    if len(value) != IMAGE_SIDE:
        raise InvalidImageError(f"got {len(value)} rows, expected 28")
    for index, row in enumerate(value):
        if not isinstance(row, list):
            raise _fault(f"/{index}", f"row {index}: got {_name(row)}, expected a list of 28 numbers")
        if len(row) != IMAGE_SIDE:
            raise _fault(f"/{index}", f"row {index}: got {len(row)} numbers, expected 28")
    return value


def _find_fault(rows: list[list[Any]], *, is_float: bool) -> InvalidImageError:
    white, expected = (1, "a float in 0..1") if is_float else (255, "an integer in 0..255")
    for row, pixels in enumerate(rows):
        for column, pixel in enumerate(pixels):
            if type(pixel) not in {int, float} or not 0 <= pixel <= white:
                detail = f"row {row}, column {column}: got {_name(pixel)}, expected {expected}"
                return _fault(f"/{row}/{column}", detail)
    raise AssertionError("no pixel is at fault, though the image was refused. This is a bug")


def _fault(pointer: str, detail: str) -> InvalidImageError:
    return InvalidImageError(detail, faults=(Fault(pointer, detail),))


def _name(value: object) -> str:
    """The value as a reader of JSON would call it; never more than a few characters of it."""
    if type(value) is int:
        return str(value) if value.bit_length() < 64 else "an integer of more than 64 bits"
    return _JSON_NAMES.get(type(value)) or str(value)[:_MAX_SHOWN_CHARACTERS]
