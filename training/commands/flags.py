"""Flags that several commands share, and the types of their values."""

import argparse
import re
from typing import get_args

from training.config import TEST_SHARE, PreprocessName

DATA_HELP = (
    "a directory with MNIST's four IDX files (.gz or not), an .npz file, a directory of image files of any "
    "size (folders named by digits give labels), or 'digits' for the small set of scikit-learn; without it MNIST is "
    "downloaded once and kept"
)
FASHION_HELP = "pictures of clothes to measure the anomaly score on: an IDX file, or the folder of one"


def add_data_flags(parser: argparse.ArgumentParser) -> None:
    """`--preprocess` and `--split`: how image files become digits, and which of them are for the test."""
    parser.add_argument(
        "--preprocess",
        choices=get_args(PreprocessName),
        default="auto",
        help="how image files become 28x28: strict takes such pixels as they are and skips other sizes; mnist takes "
        "any size and polarity and makes digits as MNIST was made; auto is strict if every picture is 28x28 and bright "
        "on dark, otherwise mnist",
    )
    parser.add_argument(
        "--split",
        metavar="SHARE",
        type=share,
        default=TEST_SHARE,
        help="share of the images to set aside for the test, where the data has no test part of its own",
    )


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


def share(text: str) -> float:
    """A share of something: more than 0, less than 1."""
    try:
        number = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is given, expected a number") from error
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text} is given, expected more than 0 and less than 1")
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
