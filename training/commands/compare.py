"""`compare`: two versions side by side, and which one to ship."""

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands import flags
from training.promotion.rules import MARGIN, RULE

if TYPE_CHECKING:
    from training.promotion.measured import Source


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to argparse."""
    compare = commands.add_parser(
        "compare",
        help="put two versions side by side and say which to ship",
        epilog=RULE,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    compare.set_defaults(run=run)
    compare.add_argument("a", metavar="A", type=Path, help="a version, such as models/digits/1")
    compare.add_argument("b", metavar="B", type=Path, help="another version")
    add_measuring_flags(compare)
    compare.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print values instead of tables"
    )


def add_measuring_flags(parser: argparse.ArgumentParser) -> None:
    """What figures come from, and when they differ."""
    parser.add_argument(
        "--data",
        metavar="SRC",
        default=argparse.SUPPRESS,
        help="measure both versions on the test digits of this source, see 'fit --help'; without it the figures of "
        "their model cards are compared, which must be of the same digits",
    )
    parser.add_argument(
        "--fashion",
        metavar="SRC",
        type=Path,
        default=argparse.SUPPRESS,
        help="with --data: pictures of clothes to measure the anomaly score on, see 'fit --help'",
    )
    flags.add_data_flags(parser)
    parser.add_argument(
        "--margin", type=margin, default=MARGIN, help="by what share a figure must be worse to decide; see below"
    )


def margin(text: str) -> float:
    """A share >= 0."""
    try:
        number = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is given, expected a number such as {MARGIN}") from error
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is given, expected a number from 0, such as {MARGIN}")
    return number


def read_source(options: argparse.Namespace) -> "Source | None":
    """What to measure on; None for the model cards.

    Raises:
        EvaluationError: If there are pictures of clothes but no digits.
    """
    from training.errors import EvaluationError
    from training.promotion.measured import Source

    fashion = getattr(options, "fashion", None)
    if hasattr(options, "data"):
        return Source(options.data, fashion, options.preprocess, options.split)
    if fashion is not None:
        raise EvaluationError("--fashion is given without --data, and model cards cannot be measured again; give both")
    return None


def run(options: argparse.Namespace) -> None:
    """Compare, print."""
    from training.promotion.comparison import compare_versions
    from training.promotion.side_by_side import describe_comparison, render_comparison
    from training.promotion.versions import load_version

    source = read_source(options)
    comparison = compare_versions(load_version(options.a), load_version(options.b), source, options.margin)
    if getattr(options, "json", False):
        print(json.dumps(describe_comparison(comparison), indent=2))
    else:
        print(render_comparison(comparison))
