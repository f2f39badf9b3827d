"""The trainer's command line: parses flags, prints results, turns errors into one line; decides nothing else."""

import argparse
import contextlib
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from training.config import HELD_OUT, MODEL_NAME, TrainConfig, with_steps
from training.errors import TrainerError
from training.recipes import RECIPES, find_recipe

FAILED = 2
# What a shell reports for a command that ended by Ctrl-C.
INTERRUPTED = 130
# The same for one that wrote to a reader who had left.
UNREAD = 141

_DATA_HELP = (
    "a directory with MNIST's four IDX files (.gz or not), an .npz file, a directory of 28x28 PNG images, or "
    "'digits' for the small set of scikit-learn; without it MNIST is downloaded once and kept"
)

_FASHION_HELP = "pictures of clothes to measure the anomaly score on: an IDX file, or the folder of one"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0; 2 for an error that the user can mend; 130 after Ctrl-C; 141 without a reader.
    """
    options = build_parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("training").setLevel(logging.INFO)  # ours alone: TensorFlow has nothing to tell a user
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
        sys.stdout.flush()  # here, where a full disk is still an error of ours to tell
    except TrainerError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("training"):
            raise  # a defect of ours, no missing package
        return _fail(f"{error.name} is not installed; install the trainer with: pip install 'digitcodec[train]'")
    except BrokenPipeError:
        _drop_output()
        return UNREAD
    except OSError as error:
        _drop_output()
        return _fail(str(error))
    except KeyboardInterrupt:
        print("stopped; no half-written version is left", file=sys.stderr)
        return INTERRUPTED
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The flags of every command, with their defaults."""
    parser = argparse.ArgumentParser(prog="python -m training", description="Train, measure and publish digit codecs.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    recipes = commands.add_parser("recipes", help="list the recipes")
    recipes.set_defaults(run=_run_recipes)
    fit = commands.add_parser(
        "fit",
        help="train a model and publish it",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    fit.set_defaults(run=_run_fit)
    _add_fit_flags(fit)
    return parser


def _add_fit_flags(fit: argparse.ArgumentParser) -> None:
    fit.add_argument("--recipe", default="denoising-32", help="what to train; see the command 'recipes'")
    fit.add_argument("--data", metavar="SRC", default=argparse.SUPPRESS, help=_DATA_HELP)
    fit.add_argument("--fashion", metavar="SRC", type=Path, default=argparse.SUPPRESS, help=_FASHION_HELP)
    fit.add_argument("--models", type=Path, default=Path("models"), help="folder that holds NAME/VERSION")
    fit.add_argument("--name", type=_model_name, default=MODEL_NAME, help="name of the model")
    fit.add_argument("--seed", type=_seed, default=0, help="the same seed gives the same model")
    fit.add_argument("--steps", type=_positive, default=argparse.SUPPRESS, help="instead of the recipe's own number")
    fit.add_argument("--held-out", type=_positive, default=HELD_OUT, help="images set aside to calibrate the score")


def _run_fit(options: argparse.Namespace) -> None:
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


def _run_recipes(_: argparse.Namespace) -> None:
    rows = [("recipe", "code", "batch", "steps", "what for", "reaches", "from")]
    rows += [
        (
            recipe.name,
            str(recipe.network.code_dim),
            str(recipe.fit.batch_size),
            str(recipe.fit.steps),
            recipe.summary,
            recipe.known_result,
            recipe.source,
        )
        for recipe in RECIPES.values()
    ]
    _print_table(rows)


def _print_version(version: Path) -> None:
    from training.figures import render_metrics

    card = json.loads((version / "assets.extra" / "model_card.json").read_text("utf-8"))
    print(f"published {version}")
    print(render_metrics(card["metrics"]))


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _drop_output() -> None:
    """Let what could not be printed go nowhere, or Python would try again at its end and print a traceback."""
    # A stdout that is no file has nothing to try again.
    with contextlib.suppress(OSError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return FAILED


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is given, expected a whole number") from error


def _positive(text: str) -> int:
    number = _whole_number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is given, the least is 1")
    return number


def _seed(text: str) -> int:
    number = _whole_number(text)
    if not 0 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{number} is given, expected 0 to {2**31 - 1}")
    return number


def _model_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is given, expected letters, digits, '_', '.' and '-'")
    return text


if __name__ == "__main__":
    sys.exit(main())
