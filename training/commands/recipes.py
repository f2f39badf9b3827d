"""`recipes`: list what can be trained."""

import argparse
from collections.abc import Sequence

from training.recipes import GROUPS
from training.recipes.base import Recipe
from training.recipes.size import count_parameters

_HEADING = ("recipe", "code", "parameters", "steps x batch", "what for; where from; what all its steps reach on MNIST")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to argparse."""
    recipes = commands.add_parser("recipes", help="list the recipes")
    recipes.set_defaults(run=run)


def run(_: argparse.Namespace) -> None:
    """Print the table: three lines for each recipe, under the heading of its group."""
    rows = [_HEADING, *(_figures(recipe) for recipes in GROUPS.values() for recipe in recipes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(_render(_HEADING, widths))
    for group, recipes in GROUPS.items():
        print(f"\n{group}:")
        for recipe in recipes:
            print(_render(_figures(recipe), widths))
            print(_render(("", "", "", "", f"from     {recipe.source}"), widths))
            print(_render(("", "", "", "", f"reaches  {recipe.known_result}"), widths))


def _figures(recipe: Recipe) -> tuple[str, str, str, str, str]:
    parameters = f"{count_parameters(recipe.network):,}"
    length = f"{recipe.fit.steps:,} x {recipe.fit.batch_size}"
    return recipe.name, str(recipe.network.code_dim), parameters, length, recipe.summary


def _render(row: Sequence[str], widths: Sequence[int]) -> str:
    """One line: the name and the text to the left, figures to the right."""
    name, *figures, text = row
    aligned = [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=False)]
    return "  ".join([name.ljust(widths[0]), *aligned, text])
