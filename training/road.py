"""The whole road: data -> model -> fit -> statistic -> evaluate -> card -> publish; each step lives elsewhere."""

import hashlib
import json
import logging
from pathlib import Path

import tensorflow as tf

from training.anomaly.fitting import fit_statistic
from training.config import TrainConfig
from training.data.load import DigitData, load_data, load_fashion
from training.data.readers import Images
from training.data.split import Parts, split_training
from training.data.survey import survey
from training.data.survey_text import render_survey
from training.evaluation.codecs import LiveCodec
from training.evaluation.evaluate import evaluate
from training.export.card import Outcome, build_card, find_commit
from training.export.publish import publish_version, try_to_write
from training.fit.checkpoints import Checkpoints
from training.fit.devices import Devices, open_devices
from training.fit.loop import FitOptions, Fitted, fit
from training.fit.progress import format_duration, open_progress

_LOG = logging.getLogger(__name__)
# Held-out digits whose answers the fresh process must repeat: enough for scores from all over the scale.
_CHECKED_DIGITS = 64
# Not for poller nor publisher: no number, and not what a dead publisher leaves behind.
_CHECKPOINT_PREFIX = ".fit-"


def train_and_evaluate(config: TrainConfig) -> Path | None:
    """Train a model, measure it on the test digits once, and publish it as the next version.

    Returns:
        The version's directory, whole and checked; None in a worker of several that is not their chief.

    Raises:
        DataError: If there are no digits to train on.
        TrainingError: If the loss or the watched error is NaN or infinite, or the fit cannot run as asked.
        FitStoppedError: If Ctrl-C or SIGTERM stopped the fit; the same configuration goes on with it.
        ExportError: If the version cannot be written or does not pass its check.
    """
    devices = open_devices(config.strategy, config.precision)  # first: workers must meet before any other work
    commit = find_commit(Path(__file__).resolve())  # now: the files may be others when the fit is done
    data = load_data(config.data, preprocess=config.preprocess, split=config.split)
    fashion = load_fashion(config.fashion) if config.fashion else None
    parts = split_training(data.train_images, config.held_out)
    _LOG.info("%s\n%s", data.name, render_survey(survey(data, config.held_out)))
    model_dir = config.models_root / config.name
    try_to_write(model_dir)
    checkpoints = model_dir / (_CHECKPOINT_PREFIX + _name_fit(config, data, devices))
    fitted = _fit(config, parts, FitOptions(checkpoints, config.log_dir, config.finish, devices))
    if not devices.is_chief:
        _LOG.info("the chief measures and publishes")
        return None
    version = _publish(config, data, parts, fashion, fitted, commit)
    Checkpoints(checkpoints).clear()
    return version


def _name_fit(config: TrainConfig, data: DigitData, devices: Devices) -> str:
    """What decides a fit's numbers, in twelve characters: a fit goes on only from a checkpoint of its own."""
    replicas = devices.strategy.num_replicas_in_sync
    deciding = [config.recipe.deciding(), data.sha256, config.seed, config.held_out, replicas, devices.policy]
    return hashlib.sha256(json.dumps([*deciding, tf.__version__]).encode()).hexdigest()[:12]


def _fit(config: TrainConfig, parts: Parts, options: FitOptions) -> Fitted:
    recipe = config.recipe
    tf.config.experimental.enable_tensor_float_32_execution(enabled=True)
    with open_progress(recipe.fit.steps, recipe.fit.batch_size) as progress:
        fitted = fit(recipe.network, recipe.fit, parts.fit, parts.watch, config.seed, progress, options)
    # From here on the numbers must be those that a CPU will give.
    tf.config.experimental.enable_tensor_float_32_execution(enabled=False)
    _LOG.info("fitted in %s, watched error %.5f", format_duration(fitted.seconds), fitted.watched_error)
    return fitted


def _publish(
    config: TrainConfig, data: DigitData, parts: Parts, fashion: Images | None, fitted: Fitted, commit: str | None
) -> Path:
    _LOG.info("calibrating on %d digits", len(parts.calibration))
    statistic = fit_statistic(fitted.autoencoder, parts.fit, parts.calibration, config.seed)
    _LOG.info("measuring %d test digits", len(data.test_images))
    metrics = evaluate(LiveCodec(fitted.autoencoder, statistic), data, fashion)
    outcome = Outcome(parts, fitted.watched_error, fitted.history.steps[-1], fitted.seconds, commit)
    card = build_card(config, data, metrics, outcome)
    _LOG.info("publishing")
    return publish_version(
        fitted.autoencoder,
        statistic,
        card,
        config.models_root,
        config.name,
        digits=parts.calibration[:_CHECKED_DIGITS],
        history=fitted.history._asdict(),
    )
