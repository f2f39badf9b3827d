"""Numbers of the command line, checked as they are read; for `type=` of argparse."""

import argparse
from collections.abc import Callable


def natural(text: str) -> int:
    """A whole number of 1 or more."""
    return int(_check(text, int, lambda number: number >= 1, "a whole number of 1 or more"))


def share(text: str) -> float:
    """A number in 0..1."""
    return _check(text, float, lambda number: 0 <= number <= 1, "a number in 0..1")


def positive(text: str) -> float:
    """A finite number above 0."""
    return _check(text, float, lambda number: 0 < number < float("inf"), "a number above 0")


def _check(text: str, kind: Callable[[str], float], holds: Callable[[float], bool], expected: str) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = float("nan")
    if not holds(number):
        raise argparse.ArgumentTypeError(f"got {text}, expected {expected}")
    return number
