"""The whole road: data -> model -> fit -> statistic -> evaluate -> card -> publish; each step lives elsewhere."""

import dataclasses
import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from training.card import build_card
from training.data import DigitData, load_data, load_fashion, split_held_out
from training.evaluation import LiveCodec, evaluate
from training.export import publish_version
from training.fit import Fitted, fit
from training.progress import format_duration, open_progress
from training.readers import Images
from training.recipes.base import Recipe
from training.statistic import fit_statistic

_LOG = logging.getLogger(__name__)
# Held out of MNIST: enough for thresholds up to 0.9998, a twelfth of the training images.
HELD_OUT = 5_000


@dataclass(frozen=True)
class TrainConfig:
    """One training, complete.

    Attributes:
        recipe: Which model, and how it is fitted.
        data: Where the digits are; see `training.data.load_data`.
        models_root: Folder that holds `<name>/<version>`.
        name: Name of the model.
        seed: 0 .. 2**31 - 1; with the same data the same seed gives the same model on the same machine.
        held_out: Images set aside to watch the fit and to calibrate the score.
        fashion: Pictures that are no digits, to measure the score on; see `training.data.load_fashion`.
    """

    recipe: Recipe
    data: str | None
    models_root: Path
    name: str = "digits"
    seed: int = 0
    held_out: int = HELD_OUT
    fashion: Path | None = None


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    """The same recipe with another length; the learning rate still ends at 0 on its last step."""
    return dataclasses.replace(recipe, fit=dataclasses.replace(recipe.fit, steps=steps))


def train_and_evaluate(config: TrainConfig) -> Path:
    """Train a model, measure it on the test digits once, and publish it as the next version.

    Returns:
        The version's directory, whole and checked.

    Raises:
        DataError: If there are no digits to train on.
        TrainingError: If the loss is NaN or infinite.
        OSError: If the version cannot be written.
    """
    data = load_data(config.data)
    fashion = load_fashion(config.fashion) if config.fashion else None
    fit_images, held_out = split_held_out(data.train_images, config.held_out)
    _report_data(data, fit_images, held_out)
    _try_to_write(config.models_root / config.name)
    started = time.monotonic()
    fitted = _fit(config, fit_images, held_out)
    seconds = time.monotonic() - started
    _LOG.info("fitted in %s; calibrating on %d held-out digits", format_duration(seconds), len(held_out))
    statistic = fit_statistic(fitted.autoencoder, fit_images, held_out, config.seed)
    _LOG.info("measuring %d test digits", len(data.test_images))
    metrics = evaluate(LiveCodec(fitted.autoencoder, statistic), data, fashion)
    card = build_card(dataclasses.asdict(config.recipe), config.seed, data, metrics, len(held_out), seconds)
    _LOG.info("publishing")
    return publish_version(fitted.autoencoder, statistic, card, config.models_root, config.name)


def _try_to_write(model_dir: Path) -> None:
    """Make the model's folder and a file in it: a wrong place should be known before the training, not after."""
    model_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=model_dir):
        pass


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
