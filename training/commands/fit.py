"""`fit`: train a model and publish it."""

import argparse
import json
from pathlib import Path
from typing import get_args

from training.commands import flags
from training.config import HELD_OUT, MODEL_NAME, PrecisionName, StrategyName, TrainConfig, with_steps
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
    fit.add_argument("--steps", type=flags.positive, default=argparse.SUPPRESS, help="instead of the recipe's number")
    fit.add_argument("--held-out", type=flags.positive, default=HELD_OUT, help="images that calibrate the score")
    flags.add_data_flags(fit)
    fit.add_argument(
        "--logs", metavar="DIR", type=Path, default=argparse.SUPPRESS, help="write TensorBoard's files here"
    )
    fit.add_argument("--finish", action="store_true", help="publish the best of a fit that was stopped")
    _add_device_flags(fit.add_argument_group("where it runs"))


def _add_device_flags(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--strategy",
        choices=get_args(StrategyName),
        default="single",
        help="one device; every GPU of this machine; or one process for each entry of the environment's TF_CONFIG",
    )
    group.add_argument(
        "--precision",
        choices=get_args(PrecisionName),
        default="auto",
        help="multiply in bfloat16 (mixed) or not; auto does where the GPU has hardware for it; exports are float32",
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
        preprocess=options.preprocess,
        split=options.split,
        strategy=options.strategy,
        precision=options.precision,
        log_dir=getattr(options, "logs", None),
        finish=options.finish,
    )
    version = train_and_evaluate(config)
    if version is not None:
        _print_version(version)


def _print_version(version: Path) -> None:
    from training.evaluation.figures import render_metrics
    from training.export.card import CARD_FILE

    card = json.loads((version / CARD_FILE).read_text("utf-8"))
    print(f"published {version}")
    print(render_metrics(card["metrics"]))
