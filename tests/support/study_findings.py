"""Findings of a study that nobody ran, for its page and its pictures."""

import dataclasses
from typing import Any

from training.recipes import RECIPES
from training.recipes.base import Recipe, ResidualNetwork
from training.study.findings import DigitRun, DyingCode, Findings, Outcome, Run

FLOOR = {2: 0.0557, 5: 0.0445, 10: 0.0341, 16: 0.0269, 20: 0.0235, 32: 0.0168, 64: 0.009, 128: 0.0042}
_TEMPLATE = next(iter(RECIPES.values()))


def make_recipe(name: str, code_dim: int = 32) -> Recipe:
    """A recipe of any name; only the width of its code is told of on the page."""
    network = ResidualNetwork(code_dim, width=32, hidden=32, encoder_blocks=1, decoder_blocks=1)
    return dataclasses.replace(RECIPES.get(name, _TEMPLATE), name=name, network=network)


def make_outcome(name: str, mse: float = 0.004, pca_mse: float = 0.0168, code_dim: int = 32, **figures: Any) -> Outcome:
    """A recipe that was trained, with what the page reads of its card; `figures` replace others of its metrics."""
    recipe = make_recipe(name, code_dim)
    metrics = {
        "clean": {"mse": mse, "bce": 0.0912, "psnr_db": 24.25, "ssim": 0.9},
        "pca_mse": pca_mse,
        "dead_code_units": 0,
        "knn_accuracy": 0.9771,
        "auroc_by_score": {"blank": 0.9992, "overlaid": 0.9832, "mean": 0.9912},
    }
    card = {
        "recipe": {"name": name},
        "code_dim": code_dim,
        "parameters": 881_234,
        "training_steps": 10_000,
        "training_seconds": 60.0,
        "seed": 0,
        "metrics": metrics | figures,
        "machine": {"architecture": "x86_64", "processors": 2},
        "libraries": {"tensorflow": "2.21.0", "keras": "3.14.0"},
        "created": "2026-05-04T10:11:12+00:00",
    }
    return Outcome(recipe, card, None, 75.0)


def make_run(label: str = "as written", *, dead_since: int | None = 5, dead_units: int = 20, **facts: Any) -> Run:
    """A run of the dying code; `facts` replace others of its values."""
    run = Run(
        label=label,
        seed=0,
        steps=6000,
        code_dim=20,
        looks=[0, 1, 5, 10, 100, 6000],
        dead_units=[1, 12, 18, dead_units, dead_units, dead_units],
        watched_errors=[0.2, 2.5, 0.09, 0.08, 0.07, 0.0665],
        dead_since=dead_since,
        mean_inputs=[0.19, -14.19, -7.47, -8.61, -8.7, -8.99, -8.88, -8.53, -8.98, -8.36],
        largest_inputs=[2.99, 35.61, 8.69, 2.44, 2.26, -0.53, -0.75, -0.78, -0.68, -0.54],
        largest_changes=[0.0316] * 5 + [0.0] * 5,
        seconds=10.0,
    )
    run.update(facts)  # type: ignore[typeddict-item]  # names are checked where they are read
    return run


def make_dying(**replaced: Run) -> DyingCode:
    """Three seeds that die and one that lives; of the changes only He's initialisation and a mean square of 1 die.

    `replaced` are other runs of changes, by name with _ for -.
    """
    labels = {
        "slow": "rate 0.001",
        "leaky": "leaky relu code",
        "linear": "linear code",
        "sigmoid-output": "sigmoid output",
        "linear-slow": "linear code, rate 0.001",
        "linear-sigmoid-slow": "linear code, sigmoid output, rate 0.001",
        "linear-sigmoid-he-adam": "linear code, sigmoid output, He, Adam",
    }
    errors = [0.2, 0.1, 0.08, 0.07, 0.05, 0.0123]
    changes = {
        "as-written": make_run(),
        "he": make_run("He initialisation", dead_since=4),
        "mean-square-1": make_run("mean square starts at 1", dead_since=197),
        **{
            name: make_run(label, dead_since=None, dead_units=0, watched_errors=errors)
            for name, label in labels.items()
        },
        "revived-leaky": _revive("dead, then leaky relu code"),
        "revived-linear": _revive("dead, then linear code"),
    }
    seeds = [make_run(f"as written, seed {seed}", seed=seed, dead_since=5 + seed, steps=20_000) for seed in range(3)]
    survivor = make_run("as written, seed 3", seed=3, dead_since=None, dead_units=3, steps=20_000)
    changes |= {name.replace("_", "-"): run for name, run in replaced.items()}
    return DyingCode(seeds=[*seeds, survivor], changes=changes)


def _revive(label: str) -> Run:
    run = make_run(label, dead_since=None, dead_units=0)
    run["dead_units"][0] = 20
    return run


def make_one_class(by_score: float = 0.986) -> list[DigitRun]:
    """Ten digits, alike."""
    return [
        DigitRun(digit=digit, fitted_images=5000 + digit, auroc_by_score=by_score, auroc_by_error=0.96, seconds=6.0)
        for digit in range(10)
    ]


def make_findings(**replaced: Any) -> Findings:
    """A study of three recipes, one worse than principal components; `replaced` are other parts of it."""
    outcomes = [
        make_outcome("relu-300-100-20", mse=0.0676, pca_mse=0.0235, code_dim=20, dead_code_units=20),
        make_outcome("conv-32", mse=0.0041),
        make_outcome("denoising-32"),
    ]
    findings = Findings("mnist", 10_000, outcomes, FLOOR, make_dying(), make_one_class())
    return findings._replace(**replaced)
