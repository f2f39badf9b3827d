"""`study`: train and measure every recipe, and write the page about it."""

import argparse
from pathlib import Path

from training.commands import flags


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to argparse."""
    study = commands.add_parser(
        "study",
        help="train and measure every recipe, and write the page about it",
        description="Trains every recipe, one model each, studies the dying code and models of one digit, and writes "
        "docs/recipes.md with its pictures. What was finished before, with the same recipe, seed and data, is kept.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    study.set_defaults(run=run)
    study.add_argument("--data", metavar="SRC", default=argparse.SUPPRESS, help=flags.DATA_HELP)
    study.add_argument("--fashion", metavar="SRC", type=Path, default=argparse.SUPPRESS, help=flags.FASHION_HELP)
    study.add_argument("--models", type=Path, default=Path("runs/study"), help="folder for models and measurements")
    study.add_argument("--page", type=Path, default=Path("docs/recipes.md"), help="the page; pictures go to images/")
    study.add_argument(
        "--only",
        metavar="NAME",
        nargs="+",
        default=argparse.SUPPRESS,
        help="recipes, 'dying-code' or 'one-class', instead of all; the page tells of all that was ever finished",
    )
    study.add_argument("--steps", type=flags.positive, default=argparse.SUPPRESS, help="of every fit, to try it out")
    study.add_argument("--seed", type=flags.seed, default=0, help="the same seed gives the same models")


def run(options: argparse.Namespace) -> None:
    """Study, say where the page lies."""
    from training.study.config import StudyConfig

    config = StudyConfig(
        data=getattr(options, "data", None),
        models_root=options.models,
        page=options.page,
        only=tuple(getattr(options, "only", ())),
        steps=getattr(options, "steps", None),
        seed=options.seed,
        fashion=getattr(options, "fashion", None),
    )
    from training.quiet import load_tensorflow

    load_tensorflow()
    from training.study.study import run_study

    run_study(config)
    print(f"wrote {config.page}")
