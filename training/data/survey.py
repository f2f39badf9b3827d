"""The data report: what a training on these digits has to work with, and what to look at before it; knows no model."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from training.data.advice import find_warnings
from training.data.facts import DataReport, PartSizes
from training.data.load import DigitData
from training.data.pictures import count_reasons
from training.data.readers import Images
from training.data.split import split_training

# The outer ones show what a smudge or a page number does.
_QUANTILES = (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)
# MNIST's own digits have between 0.025 and 0.40.
_ALMOST_EMPTY, _ALMOST_FULL = 0.015, 0.5


def survey(data: DigitData, held_out: int) -> DataReport:
    """Look at all images as the model would see them.

    Args:
        data: What `load_data` gave.
        held_out: Images to calibrate on; see `training.data.split.split_training`.

    Raises:
        DataError: If too few images came to part them.
    """
    parts = _count_parts(data, held_out)
    ink = np.concatenate([_measure_ink(data.train_images), _measure_ink(data.test_images)])
    train, test = _collect_pixels(data.train_images), _collect_pixels(data.test_images)
    report = DataReport(
        name=data.name,
        images=len(ink),
        split=data.split,
        parts=parts,
        folder=data.folder,
        skipped=count_reasons(data.folder.skipped) if data.folder else {},
        ink={quantile: round(float(np.quantile(ink, quantile)), 4) for quantile in _QUANTILES},
        almost_empty=int(np.sum(ink < _ALMOST_EMPTY)),
        almost_full=int(np.sum(ink > _ALMOST_FULL)),
        duplicates=len(ink) - len(train | test),
        shared=len(train & test),
        classes=_count_classes(data),
        smallest_false_alarm_rate=1 / (parts.calibrate + 1),
        largest_threshold=parts.calibrate / (parts.calibrate + 1),
    )
    return dataclasses.replace(report, warnings=tuple(find_warnings(report)))


def choose_sample(data: DigitData, lines: int = 10, columns: int = 20) -> Images:
    """Images for a sheet of `columns` columns: with labels a line for each digit, otherwise the first to train on.

    Returns:
        uint8 (n, 28, 28), 1 <= n <= lines * columns; a line is filled up with blank images.
    """
    if data.train_labels is None:
        return data.train_images[: lines * columns]
    sample = []
    for digit in np.unique(data.train_labels)[:lines]:
        shown = data.train_images[data.train_labels == digit][:columns]
        sample.append(np.pad(shown, ((0, columns - len(shown)), (0, 0), (0, 0))))
    return np.concatenate(sample)


def _count_parts(data: DigitData, held_out: int) -> PartSizes:
    fit, watch, calibration = map(len, split_training(data.train_images, held_out))
    return PartSizes(fit, watch, calibration, len(data.test_images))


def _measure_ink(images: Images) -> NDArray[np.float64]:
    """The share of white in each image, in [0, 1]."""
    means: NDArray[np.float64] = images.mean(axis=(1, 2))
    return means / 255


def _collect_pixels(images: Images) -> set[bytes]:
    return {image.tobytes() for image in images}


def _count_classes(data: DigitData) -> dict[int, int] | None:
    labels = [labels for labels in (data.train_labels, data.test_labels) if labels is not None]
    if not labels:
        return None
    digits, counts = np.unique(np.concatenate(labels), return_counts=True)
    return dict(zip(digits.tolist(), counts.tolist(), strict=True))
