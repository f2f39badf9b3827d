"""What both commands are told: on their command line, and by a signal to end."""

import argparse
import signal
from pathlib import Path
from types import FrameType

import numpy as np

from bench.speed.loads import DIGITS
from service.domain import Images


def add_common(parser: argparse.ArgumentParser, seconds: float) -> None:
    """The options that both have."""
    parser.add_argument("--seconds", type=_parse_seconds, default=seconds, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=_parse_count, default=3, help="interleaved rounds (%(default)s)")
    parser.add_argument(
        "--concurrencies", type=parse_counts, default=(1, 16, 64, 256), help="callers of single images (1,16,64,256)"
    )
    parser.add_argument("--data", default="digits", help="as for `python -m training fit`; its test digits are sent")
    parser.add_argument("--version-dir", type=_parse_version, default="models/digits/1", help="the model (%(default)s)")


def parse_counts(text: str) -> tuple[int, ...]:
    """Different positive numbers between commas, by size."""
    return tuple(sorted({_parse_count(part) for part in text.split(",")}))


def load_digits(source: str) -> Images:
    """The digits that callers send."""
    from training.data.load import load_data

    return np.ascontiguousarray(load_data(source).test_images[:DIGITS])


def end_like_an_interrupt() -> None:
    """Let SIGTERM do what Ctrl-C does, so that whatever was started is stopped."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form of a handler
    raise KeyboardInterrupt


def _parse_count(text: str) -> int:
    if not text.strip().isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 60:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 60")
    return seconds


def _parse_version(text: str) -> Path:
    path = Path(text).absolute()
    if not (path / "saved_model.pb").is_file():
        raise argparse.ArgumentTypeError(f"{text} has no saved_model.pb")
    return path
