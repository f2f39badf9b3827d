"""JSON values of one input -> rows: pixels are integers, codes are numbers; nothing is converted silently."""

from typing import Any

import numpy as np

from service import images
from service.domain import Codes, Images, Rows
from service.errors import InvalidCodeError, InvalidImageError


def parse_values(values: list[Any], name: str) -> Rows:
    """The rows of an input.

    Args:
        values: One value a row, at least one.
        name: The input that they are for.

    Raises:
        InvalidImageError: If one is no list of 28 lists of 28 integers 0..255.
        InvalidCodeError: If one is no list of finite numbers, or not as long as the first.
    """
    return _parse_images(values) if name == "images" else _parse_codes(values)


def _parse_images(values: list[Any]) -> Images:
    rows = []
    for index, value in enumerate(values):
        try:
            _refuse_floats(value)
            rows.append(images.parse_nested(value))
        except InvalidImageError as error:
            raise InvalidImageError(f"image {index}: {error.detail}") from error
    return np.stack(rows)


def _refuse_floats(value: Any) -> None:
    """A float would be 0..1 at our other doors; here a tensor of uint8 is meant, and 1.0 could be either."""
    for index, pixels in enumerate(value if isinstance(value, list) else ()):
        kinds = list(map(type, pixels)) if isinstance(pixels, list) else []
        if float in kinds:
            column = kinds.index(float)
            raise InvalidImageError(
                f"row {index}, column {column}: got {pixels[column]}, expected an integer in 0..255"
            )


def _parse_codes(values: list[Any]) -> Codes:
    width = len(values[0]) if isinstance(values[0], list) else 0
    for index, value in enumerate(values):
        if not isinstance(value, list) or not set(map(type, value)) <= {int, float}:
            raise InvalidCodeError(f"code {index}: not a list of numbers")
        if len(value) != width:
            raise InvalidCodeError(f"code {index}: got {len(value)} numbers, expected {width} as in the first")
    return images.to_codes(np.array(values, np.float64))
