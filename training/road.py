"""The whole road: data -> model -> fit -> statistic -> evaluate -> card -> publish; each step lives elsewhere."""

import logging
import time
from pathlib import Path

from training.anomaly.fitting import fit_statistic
from training.config import TrainConfig
from training.data.load import DigitData, load_data, load_fashion, split_held_out
from training.data.readers import Images
from training.evaluation.evaluate import LiveCodec, evaluate
from training.export.card import Outcome, build_card, find_commit
from training.export.publish import publish_version, try_to_write
from training.fit.loop import Fitted, fit
from training.fit.progress import format_duration, open_progress

_LOG = logging.getLogger(__name__)
# Held-out digits whose answers the fresh process must repeat: enough for scores from all over the scale.
_CHECKED_DIGITS = 64


def train_and_evaluate(config: TrainConfig) -> Path:
    """Train a model, measure it on the test digits once, and publish it as the next version.

    Returns:
        The version's directory, whole and checked.

    Raises:
        DataError: If there are no digits to train on.
        TrainingError: If the loss or the held-out error is NaN or infinite.
        ExportError: If the version cannot be written or does not pass its check.
    """
    commit = find_commit(Path(__file__).resolve())  # now: the files may be others when the fit is done
    data = load_data(config.data)
    fashion = load_fashion(config.fashion) if config.fashion else None
    fit_images, held_out = split_held_out(data.train_images, config.held_out)
    _report_data(data, fit_images, held_out)
    try_to_write(config.models_root / config.name)
    started = time.monotonic()
    fitted = _fit(config, fit_images, held_out)
    outcome = Outcome(len(held_out), fitted.held_out_error, time.monotonic() - started, commit)
    _report_fit(outcome)
    statistic = fit_statistic(fitted.autoencoder, fit_images, held_out, config.seed)
    _LOG.info("measuring %d test digits", len(data.test_images))
    metrics = evaluate(LiveCodec(fitted.autoencoder, statistic), data, fashion)
    card = build_card(config, data, metrics, outcome)
    _LOG.info("publishing")
    checked = held_out[:_CHECKED_DIGITS]
    return publish_version(fitted.autoencoder, statistic, card, config.models_root, config.name, checked)


def _fit(config: TrainConfig, fit_images: Images, held_out: Images) -> Fitted:
    recipe = config.recipe
    with open_progress(recipe.fit.steps, recipe.fit.batch_size) as progress:
        return fit(recipe.network, recipe.fit, fit_images, held_out, config.seed, progress)


def _report_data(data: DigitData, fit_images: Images, held_out: Images) -> None:
    _LOG.info(
        "%s: %d digits to fit, %d held out, %d to test",
        data.name,
        len(fit_images),
        len(held_out),
        len(data.test_images),
    )


def _report_fit(outcome: Outcome) -> None:
    _LOG.info(
        "fitted in %s, held-out error %.5f; calibrating on %d held-out digits",
        format_duration(outcome.seconds),
        outcome.held_out_error,
        outcome.calibration_size,
    )
