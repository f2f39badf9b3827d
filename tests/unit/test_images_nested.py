"""Nested lists: 28x28 numbers from JSON."""

from typing import Any

import numpy as np
import pytest
from support import pictures

from service.errors import InvalidImageError
from service.images import parse_nested

RAMP = pictures.ramp()


def spoil(value: Any, *, pixels: list[list[Any]] | None = None) -> list[list[Any]]:
    """A list of good pixels with one other value in row 2, column 3."""
    rows: list[list[Any]] = pixels or np.zeros((28, 28), int).tolist()
    rows[2][3] = value
    return rows


def test_integers_and_floats_give_the_same_image() -> None:
    """Levels 0..255 and shares of white mean the same."""
    np.testing.assert_array_equal(RAMP, parse_nested(RAMP.tolist()))
    np.testing.assert_array_equal(RAMP, parse_nested((RAMP / 255).tolist()))


def test_one_float_makes_a_float_image() -> None:
    """Beside a float, the integers 0 and 1 are black and white; alone they are levels."""
    ones = np.ones((28, 28), int).tolist()

    assert {1} == set(parse_nested(ones).ravel().tolist())
    assert [128, 255] == parse_nested(spoil(0.5, pixels=ones))[2, 3:5].tolist()


FLOATS = np.full((28, 28), 0.5)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (spoil(256), "row 2, column 3: got 256, expected an integer in 0..255"),
        (spoil(-1), "row 2, column 3: got -1, expected an integer in 0..255"),
        (spoil(10**400), "row 2, column 3: got an integer of more than 64 bits, expected an integer in 0..255"),
        (spoil(None), "row 2, column 3: got null, expected an integer in 0..255"),
        (spoil("7"), "row 2, column 3: got a string, expected an integer in 0..255"),
        (spoil(value=True), "row 2, column 3: got a boolean, expected an integer in 0..255"),
        (spoil([1]), "row 2, column 3: got a list, expected an integer in 0..255"),
        (spoil(float("nan")), "row 2, column 3: got nan, expected a float in 0..1"),
        (spoil(float("inf")), "row 2, column 3: got inf, expected a float in 0..1"),
        (spoil(2, pixels=FLOATS.tolist()), "row 2, column 3: got 2, expected a float in 0..1"),
        (
            spoil(10**400, pixels=FLOATS.tolist()),
            "row 2, column 3: got an integer of more than 64 bits, expected a float",
        ),
        (spoil(1.0000001, pixels=FLOATS.tolist()), "row 2, column 3: got 1.0000001, expected a float in 0..1"),
    ],
)
def test_bad_pixel_is_named(rows: Any, words: str) -> None:
    """The error says row, column, what came and what was expected, and points there."""
    with pytest.raises(InvalidImageError) as caught:
        parse_nested(rows)
    assert caught.value.detail.startswith(words)
    assert ["/2/3"] == [fault.pointer for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("value", "words", "pointers"),
    [
        ("text", "got a string, expected a list of 28 rows", []),
        ({}, "got an object, expected a list of 28 rows", []),
        (5, "got 5, expected a list of 28 rows", []),
        ([], "got 0 rows, expected 28", []),
        ([[0] * 28] * 27, "got 27 rows, expected 28", []),
        ([[0] * 28] * 27 + [[0] * 27], "row 27: got 27 numbers, expected 28", ["/27"]),
        ([[0] * 28, None] + [[0] * 28] * 26, "row 1: got null, expected a list of 28 numbers", ["/1"]),
        ([0] * 28, "row 0: got 0, expected a list of 28 numbers", ["/0"]),
    ],
)
def test_bad_shape_is_named(value: object, words: str, pointers: list[str]) -> None:
    """Ragged and short lists are told apart from bad pixels."""
    with pytest.raises(InvalidImageError) as caught:
        parse_nested(value)
    assert words == caught.value.detail
    assert pointers == [fault.pointer for fault in caught.value.faults]
