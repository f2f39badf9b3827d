"""Trains every recipe that has no model yet; knows of a model only what its card says."""

import gc
import json
import logging
import time
from typing import Any

import keras

from training.config import TrainConfig
from training.errors import DataError, EvaluationError, FitStoppedError, TrainerError
from training.fit.progress import format_duration
from training.promotion.versions import find_newest, load_version
from training.recipes.base import Recipe
from training.road import train_and_evaluate
from training.study.config import StudyConfig
from training.study.findings import Outcome
from training.study.notes import Notes

_LOG = logging.getLogger(__name__)
_TRAININGS = "trainings"


def train_recipes(config: StudyConfig, data_sha256: str, notes: Notes) -> None:
    """Train the wanted recipes that have no model of this recipe, seed and data; a failure is noted, the others go on.

    Raises:
        DataError: If there are no digits to train on.
        FitStoppedError: If Ctrl-C or SIGTERM stopped a fit; the same study goes on with it.
    """
    recipes = [recipe for recipe in config.recipes() if config.wants(recipe.name)]
    for place, recipe in enumerate(recipes, 1):
        heading = f"recipe {place}/{len(recipes)}, {recipe.name}"
        if find_card(config, recipe, data_sha256) is not None:
            _LOG.info("%s: trained before, kept", heading)
            continue
        _LOG.info("%s: %d steps", heading, recipe.fit.steps)
        began = time.monotonic()
        failure = _train(config, recipe)
        seconds = round(time.monotonic() - began, 1)
        notes.write(_name(recipe), _describe(config, recipe, data_sha256), {"failure": failure, "seconds": seconds})
        _LOG.info("%s: %s, %s in all", heading, failure or "published", format_duration(seconds))


def read_outcome(config: StudyConfig, recipe: Recipe, data_sha256: str, notes: Notes) -> Outcome:
    """What became of a recipe, in this study or in one before."""
    card = find_card(config, recipe, data_sha256)
    note = notes.read(_name(recipe), _describe(config, recipe, data_sha256))
    if card is None:
        return Outcome(recipe, None, note and note["failure"], None)
    # A fit that was stopped in between took longer than the study that ended it.
    return Outcome(recipe, card, None, note and max(note["seconds"], card["training_seconds"]))


def find_card(config: StudyConfig, recipe: Recipe, data_sha256: str) -> dict[str, Any] | None:
    """The card of the newest version, if it was made by this recipe, whatever its words, and this seed and data."""
    newest = find_newest(config.models_root / recipe.name)
    if newest is None:
        return None
    try:
        card = load_version(newest).card
    except EvaluationError:
        return None  # whatever it is, it was not made here
    wanted = json.loads(json.dumps(recipe.deciding()))
    is_same = has_made(wanted, {key: card["recipe"].get(key) for key in wanted})
    return card if is_same and (card["seed"], card["data"]["sha256"]) == (config.seed, data_sha256) else None


def has_made(wanted: Any, found: Any) -> bool:
    """True if the values on a card are the wanted ones; what an older trainer had no value for was off: 0 or none."""
    if not isinstance(wanted, dict) or not isinstance(found, dict):
        return bool(wanted == found)
    missing = wanted.keys() - found.keys()
    if any(wanted[key] for key in missing) or found.keys() - wanted.keys():
        return False
    return all(has_made(wanted[key], found[key]) for key in found)


def _train(config: StudyConfig, recipe: Recipe) -> str | None:
    """Why it failed, or None."""
    train_config = TrainConfig(
        recipe, config.data, config.models_root, recipe.name, seed=config.seed, fashion=config.fashion
    )
    try:
        train_and_evaluate(train_config)
    except (DataError, FitStoppedError):
        raise  # of all recipes, not of this one
    except TrainerError as error:
        return str(error)
    finally:
        keras.utils.clear_session()  # or the graphs of all recipes would stay in memory, each with all images
        gc.collect()
    return None


def _name(recipe: Recipe) -> str:
    return f"{_TRAININGS}/{recipe.name}"


def _describe(config: StudyConfig, recipe: Recipe, data_sha256: str) -> dict[str, Any]:
    return {"recipe": recipe.deciding(), "seed": config.seed, "data": data_sha256}
