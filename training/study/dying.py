"""Measures why the first article's code dies: runs every variant, once, and writes down how its code fared."""

import dataclasses
import logging
import time
from typing import Any

import numpy as np

from training.config import HELD_OUT
from training.data.load import DigitData
from training.data.split import Parts, split_training
from training.fit.progress import format_duration
from training.recipes.base import Recipe
from training.study.config import DYING_CODE, StudyConfig
from training.study.findings import DyingCode, Run
from training.study.notes import Notes
from training.study.traced_fit import Start, Traced, trace_fit
from training.study.variants import RECIPE, STEPS, STEPS_BEFORE_REVIVAL, Variant, changes, network_of, seeds

_LOG = logging.getLogger(__name__)
# Steps whose figures are kept one by one: the deadly ones are among them.
_FIRST_STEPS = 10


def measure_dying(config: StudyConfig, data: DigitData, notes: Notes) -> DyingCode:
    """Run the variants that were not run yet; some minutes in all.

    Raises:
        TrainingError: If a loss is NaN or infinite.
    """
    parts = split_training(data.train_images, HELD_OUT)
    variants = _plan(config)
    for place, variant in enumerate(variants, 1):
        key = _describe(config, variant, data.sha256)
        if notes.read(_name(variant), key) is None:
            run = _run(config, variant, parts)
            notes.write(_name(variant), key, run)
            _LOG.info(
                "dying code %d/%d: %s, %d of %d units dead, watched error %.5f, %s",
                *(place, len(variants), variant.label, run["dead_units"][-1], run["code_dim"]),
                *(run["watched_errors"][-1], format_duration(run["seconds"])),
            )
    found = read_dying(config, data.sha256, notes)
    assert found is not None  # noqa: S101  # all of it was just written
    return found


def read_dying(config: StudyConfig, data_sha256: str, notes: Notes) -> DyingCode | None:
    """All runs as they were measured before; None if one is missing."""
    runs: dict[str, Run] = {}
    for variant in _plan(config):
        run: Run | None = notes.read(_name(variant), _describe(config, variant, data_sha256))
        if run is None:
            return None
        run["label"] = variant.label  # words may have been bettered since it was measured
        runs[variant.name] = run
    of_seeds = [variant.name for variant in seeds(_recipe(config), config.seed)]
    return DyingCode(
        seeds=[runs[name] for name in of_seeds],
        changes={name: run for name, run in runs.items() if name not in of_seeds},
    )


def _plan(config: StudyConfig) -> list[Variant]:
    recipe = _recipe(config)
    return [*seeds(recipe, config.seed), *changes(recipe, config.steps or STEPS, config.seed)]


def _recipe(config: StudyConfig) -> Recipe:
    return config.shorten(RECIPE)


def _name(variant: Variant) -> str:
    return f"{DYING_CODE}/{variant.name}"


def _describe(config: StudyConfig, variant: Variant, data_sha256: str) -> dict[str, Any]:
    """Everything that decides a run's numbers: the variant without its label, and what a revival begins with."""
    recipe = _recipe(config)
    return {
        "variant": dataclasses.asdict(dataclasses.replace(variant, label="")),
        "as_written": [dataclasses.asdict(recipe.network), dataclasses.asdict(recipe.fit)],
        "data": data_sha256,
    }


def _run(config: StudyConfig, variant: Variant, parts: Parts) -> Run:
    began, seed = time.monotonic(), variant.seed
    if not variant.revives:
        traced = trace_fit(variant.network, variant.fit, parts, seed, Start(mean_square=variant.mean_square))
        return _summarize(variant, traced, time.monotonic() - began)
    recipe = _recipe(config)
    fit = dataclasses.replace(recipe.fit, steps=min(STEPS_BEFORE_REVIVAL, recipe.fit.steps))
    before = trace_fit(network_of(recipe), fit, parts, seed)
    traced = trace_fit(variant.network, variant.fit, parts, seed, Start(before.weights))
    traced.dead_units[0], traced.watched_errors[0] = before.dead_units[-1], before.watched_errors[-1]
    return _summarize(variant, traced, time.monotonic() - began)


def _summarize(variant: Variant, traced: Traced, seconds: float) -> Run:
    code_dim = variant.network.code_dim
    return Run(
        label=variant.label,
        seed=variant.seed,
        steps=variant.fit.steps,
        code_dim=code_dim,
        looks=traced.looks,
        dead_units=traced.dead_units,
        watched_errors=traced.watched_errors,
        dead_since=find_death(traced.silent_units == code_dim),
        mean_inputs=traced.mean_inputs[:_FIRST_STEPS].tolist(),
        largest_inputs=traced.largest_inputs[:_FIRST_STEPS].tolist(),
        largest_changes=traced.largest_changes[:_FIRST_STEPS].tolist(),
        seconds=round(seconds, 1),
    )


def find_death(is_silent: "np.ndarray[Any, np.dtype[np.bool_]]") -> int | None:
    """Steps done before the first of those that are silent to the end, (steps,); None if the last is not."""
    lively = np.flatnonzero(~is_silent)
    since = int(lively[-1]) + 1 if len(lively) else 0
    return since if since < len(is_silent) else None
