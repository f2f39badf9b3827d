"""The first article's stack with its 2-wide code, for the scatter plot that it could not draw."""

import dataclasses

from training.recipes import relu_300_100_20
from training.recipes.base import Recipe

RECIPE = Recipe(
    name="relu-300-100-2",
    summary="the same with 2 numbers a digit; fixed-2d is what revives it",
    source="the same article, for a map of its digits",
    known_result="test MSE .0677, both units dead",
    network=dataclasses.replace(relu_300_100_20.NETWORK, widths=(300, 100, 2)),  # all else as with 20
    fit=relu_300_100_20.FIT,
)
