"""`recipes`: list what can be trained."""

import argparse
from collections.abc import Sequence

from training.recipes import RECIPES


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to argparse."""
    recipes = commands.add_parser("recipes", help="list the recipes")
    recipes.set_defaults(run=run)


def run(_: argparse.Namespace) -> None:
    """Print the table."""
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


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
