"""`promote`: publish a copy of a version as the next one, unless it is worse than the newest."""

import argparse
from pathlib import Path

from training.commands import compare, flags
from training.config import MODEL_NAME
from training.promotion.rules import RULE


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to argparse."""
    promote = commands.add_parser(
        "promote",
        help="publish a copy of a version as the next one, unless it is worse than the newest",
        epilog=f"A candidate is refused, with status 2, where any figure is worse by more than the margin. {RULE}",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    promote.set_defaults(run=run)
    promote.add_argument("candidate", metavar="CANDIDATE", type=Path, help="a version, such as tried/digits/4")
    promote.add_argument("--models", type=Path, default=Path("models"), help="folder that holds NAME/VERSION")
    promote.add_argument("--name", type=flags.model_name, default=MODEL_NAME, help="name of the model")
    compare.add_measuring_flags(promote)
    promote.add_argument(
        "--allow-code-change",
        action="store_true",
        default=argparse.SUPPRESS,
        help="publish even if codes get another width, which no stored code would fit",
    )


def run(options: argparse.Namespace) -> None:
    """Compare with the newest version, print the comparison, publish."""
    from training.promotion.promote import Promotion, promote
    from training.promotion.side_by_side import render_comparison

    promotion = Promotion(
        candidate=options.candidate,
        models_root=options.models,
        name=options.name,
        source=compare.read_source(options),
        margin=options.margin,
        allow_code_change=getattr(options, "allow_code_change", False),
    )
    version = promote(promotion, show=lambda comparison: print(render_comparison(comparison)))
    print(f"published {options.candidate} as {version}")
