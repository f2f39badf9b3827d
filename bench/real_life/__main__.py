"""Digits of MNIST from harsh real life, through a running service, beside the same digits untouched.

`python -m bench.real_life --data DIR [--digits N] [--sheet FILE]`; ends with status 1 if a bar is missed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np

from bench.real_life.measure import ask_for_files, ask_for_images, count_refused, find_accuracy
from bench.real_life.scenes import draw_scene
from bench.real_life.sheet import draw_sheet
from bench.running import running_service
from training.data.load import DigitData, load_data
from training.errors import DataError

_KNOWN = 10_000
_TIMEOUT_S = 120
# How far the median anomaly score may move, and how much of the neighbours' accuracy must be left.
MAX_SHIFT, MIN_ACCURACY_LEFT = 0.15, 0.95


class Findings(NamedTuple):
    """Figures of digits untouched and from real life.

    Attributes:
        digits: How many.
        medians: Median anomaly score of both.
        accuracies: Accuracy of five nearest neighbours of both.
        refused: How many files are refused without preprocess.
    """

    digits: int
    medians: tuple[float, float]
    accuracies: tuple[float, float]
    refused: int

    @property
    def shift(self) -> float:
        """How far the median score has moved."""
        return abs(self.medians[1] - self.medians[0])

    @property
    def accuracy_left(self) -> float:
        """Share of the untouched digits' accuracy."""
        return self.accuracies[1] / self.accuracies[0]

    @property
    def holds(self) -> bool:
        """Whether every bar is reached."""
        is_good = self.shift <= MAX_SHIFT and self.accuracy_left >= MIN_ACCURACY_LEFT
        return is_good and self.refused == self.digits


def measure(client: httpx.Client, data: DigitData, digits: int) -> Findings:
    """Send so many test digits untouched and as scenes, and the scenes without preprocess too.

    Raises:
        DataError: If the digits have no labels.
    """
    if data.train_labels is None or data.test_labels is None:
        raise DataError("the digits have no labels, which the neighbours need")
    images, labels = data.test_images[:digits], data.test_labels[:digits]
    files = [draw_scene(image, seed) for seed, image in enumerate(images)]
    known = ask_for_images(client, data.train_images[:_KNOWN]).codes
    answers = (ask_for_images(client, images), ask_for_files(client, files))
    medians = [float(np.median(answer.scores)) for answer in answers]
    accuracies = [find_accuracy(answer.codes, labels, known, data.train_labels[:_KNOWN]) for answer in answers]
    return Findings(len(images), (medians[0], medians[1]), (accuracies[0], accuracies[1]), count_refused(client, files))


def render(findings: Findings) -> str:
    """The figures as a table."""
    rows = [
        ("", "untouched", "from real life", "bar"),
        ("median anomaly score", *_format(findings.medians), f"within {MAX_SHIFT} ({findings.shift:.3f})"),
        ("kNN accuracy", *_format(findings.accuracies), f">= {MIN_ACCURACY_LEFT} ({findings.accuracy_left:.3f})"),
        ("refused without preprocess", "", f"{findings.refused} of {findings.digits}", "all"),
    ]
    return "\n".join("  ".join(f"{cell:<26}" for cell in row).rstrip() for row in rows)


def _format(values: tuple[float, float]) -> tuple[str, str]:
    return f"{values[0]:.3f}", f"{values[1]:.3f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.real_life", description=__doc__)
    parser.add_argument("--data", required=True, help="digits, as for `python -m training fit`")
    parser.add_argument("--digits", type=int, default=500, help="how many test digits (500)")
    parser.add_argument("--sheet", type=Path, help="where to write a picture of the first ten")
    options = parser.parse_args(arguments)
    data = load_data(options.data)
    with running_service() as service, httpx.Client(base_url=service.url, timeout=_TIMEOUT_S) as client:
        findings = measure(client, data, options.digits)
        if options.sheet:
            draw_sheet(client, data.test_images).save(options.sheet, optimize=True)
    print(render(findings))
    return 0 if findings.holds else 1


if __name__ == "__main__":
    sys.exit(main())
