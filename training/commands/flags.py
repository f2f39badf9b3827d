"""Flags that several commands share, and the types of their values."""

import argparse
import re

DATA_HELP = (
    "a directory with MNIST's four IDX files (.gz or not), an .npz file, a directory of 28x28 PNG images, or "
    "'digits' for the small set of scikit-learn; without it MNIST is downloaded once and kept"
)
FASHION_HELP = "pictures of clothes to measure the anomaly score on: an IDX file, or the folder of one"


def whole_number(text: str) -> int:
    """A whole number of any sign."""
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is given, expected a whole number") from error


def positive(text: str) -> int:
    """A whole number >= 1."""
    number = whole_number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is given, the least is 1")
    return number


def seed(text: str) -> int:
    """A seed: 0 .. 2**31 - 1."""
    number = whole_number(text)
    if not 0 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{number} is given, expected 0 to {2**31 - 1}")
    return number


def model_name(text: str) -> str:
    """A name that is one folder of every file system."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is given, expected letters, digits, '_', '.' and '-'")
    return text
