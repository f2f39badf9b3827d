"""`fit`: train a model and publish it."""

import argparse
import json
from pathlib import Path

from training.commands import flags
from training.config import HELD_OUT, MODEL_NAME, TrainConfig, with_steps
from training.recipes import find_recipe


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to argparse."""
    fit = commands.add_parser(
        "fit",
        help="train a model and publish it",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    fit.set_defaults(run=run)
    fit.add_argument("--recipe", default="denoising-32", help="what to train; see the command 'recipes'")
    fit.add_argument("--data", metavar="SRC", default=argparse.SUPPRESS, help=flags.DATA_HELP)
    fit.add_argument("--fashion", metavar="SRC", type=Path, default=argparse.SUPPRESS, help=flags.FASHION_HELP)
    fit.add_argument("--models", type=Path, default=Path("models"), help="folder that holds NAME/VERSION")
    fit.add_argument("--name", type=flags.model_name, default=MODEL_NAME, help="name of the model")
    fit.add_argument("--seed", type=flags.seed, default=0, help="the same seed gives the same model")
    fit.add_argument(
        "--steps", type=flags.positive, default=argparse.SUPPRESS, help="instead of the recipe's own number"
    )
    fit.add_argument(
        "--held-out", type=flags.positive, default=HELD_OUT, help="images set aside to calibrate the score"
    )


def run(options: argparse.Namespace) -> None:
    """Train, publish, print the figures."""
    recipe = find_recipe(options.recipe)
    from training.quiet import load_tensorflow

    load_tensorflow()
    from training.road import train_and_evaluate

    config = TrainConfig(
        recipe=with_steps(recipe, getattr(options, "steps", recipe.fit.steps)),
        data=getattr(options, "data", None),
        models_root=options.models,
        name=options.name,
        seed=options.seed,
        held_out=options.held_out,
        fashion=getattr(options, "fashion", None),
    )
    _print_version(train_and_evaluate(config))


def _print_version(version: Path) -> None:
    from training.evaluation.figures import render_metrics

    card = json.loads((version / "assets.extra" / "model_card.json").read_text("utf-8"))
    print(f"published {version}")
    print(render_metrics(card["metrics"]))
