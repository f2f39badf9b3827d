"""Measures how well a model of one digit tells it from the others: ten models, each trained on a digit of its own."""

import logging
import time
from typing import Any

import numpy as np

from training.anomaly.fitting import fit_statistic
from training.data.load import DigitData
from training.data.split import split_training
from training.evaluation.codecs import LiveCodec
from training.evaluation.measures import auroc
from training.fit.loop import fit
from training.fit.progress import format_duration, open_progress
from training.recipes.base import Recipe
from training.study.config import ONE_CLASS, StudyConfig
from training.study.findings import DigitRun
from training.study.notes import Notes
from training.study.single_digit import RECIPE

_LOG = logging.getLogger(__name__)
# A tenth of what MNIST has of a digit: enough to rank what is normal, and what is strange is ranked by the tail.
_HELD_OUT = 500


def measure_one_class(config: StudyConfig, data: DigitData, notes: Notes) -> list[DigitRun]:
    """Train and measure the models that were not measured yet, one for each digit; about two minutes in all.

    Returns:
        By digit; empty where the data carry no labels, or hardly any.

    Raises:
        TrainingError: If a loss is NaN or infinite.
        FitStoppedError: If Ctrl-C or SIGTERM stopped a fit; the digits before it are kept.
    """
    digits, recipe = find_digits(data), config.shorten(RECIPE)
    for digit in digits:
        key = _describe(config, recipe, digit, data.sha256)
        if notes.read(_name(digit), key) is None:
            run = _run(config, recipe, digit, data)
            notes.write(_name(digit), key, run)
            _LOG.info(
                "one class %d/%d: digit %d has AUROC %.4f by score, %.4f by error, %s",
                *(digits.index(digit) + 1, len(digits), digit, run["auroc_by_score"], run["auroc_by_error"]),
                format_duration(run["seconds"]),
            )
    return read_one_class(config, data, notes)


def read_one_class(config: StudyConfig, data: DigitData, notes: Notes) -> list[DigitRun]:
    """All digits as they were measured before; empty if one is missing."""
    recipe = config.shorten(RECIPE)
    found = [notes.read(_name(digit), _describe(config, recipe, digit, data.sha256)) for digit in find_digits(data)]
    return [] if None in found else found


def find_digits(data: DigitData) -> list[int]:
    """The classes that have both training and test images; none where there is nothing to tell them from."""
    if data.train_labels is None or data.test_labels is None:
        return []
    digits: list[int] = np.intersect1d(data.train_labels, data.test_labels).tolist()
    return digits if len(digits) > 1 else []


def _name(digit: int) -> str:
    return f"{ONE_CLASS}/{digit}"


def _describe(config: StudyConfig, recipe: Recipe, digit: int, data_sha256: str) -> dict[str, Any]:
    """Everything that decides a run's numbers."""
    return {"recipe": recipe.deciding(), "digit": digit, "seed": config.seed, "data": data_sha256}


def _run(config: StudyConfig, recipe: Recipe, digit: int, data: DigitData) -> DigitRun:
    began = time.monotonic()
    parts = split_training(data.train_images[data.train_labels == digit], _HELD_OUT)
    with open_progress(recipe.fit.steps, recipe.fit.batch_size) as progress:
        fitted = fit(recipe.network, recipe.fit, parts.fit, parts.watch, config.seed, progress)
    statistic = fit_statistic(fitted.autoencoder, parts.fit, parts.calibration, config.seed)
    answers = LiveCodec(fitted.autoencoder, statistic).reconstruct(data.test_images)
    is_own = data.test_labels == digit
    return DigitRun(
        digit=digit,
        fitted_images=len(parts.fit),
        auroc_by_score=round(auroc(answers.anomaly_scores[is_own], answers.anomaly_scores[~is_own]), 6),
        auroc_by_error=round(auroc(answers.errors[is_own], answers.errors[~is_own]), 6),
        seconds=round(time.monotonic() - began, 1),
    )
