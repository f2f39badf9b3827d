"""The second article's stack with two more layers down to 2 numbers, for its scatter plot."""

import dataclasses

from training.recipes import sigmoid_256_128_64
from training.recipes.base import Recipe

RECIPE = Recipe(
    name="sigmoid-256-128-64-2",
    summary="two more sigmoid layers, then a linear code of 2 numbers a digit",
    source="the same article, for its scatter plot",
    known_result="test MSE .0558, no unit dead",
    network=dataclasses.replace(
        sigmoid_256_128_64.NETWORK,
        widths=(
            256,
            128,
            64,
            10,
            2,
        ),  # the 64 and the 10 are the two more; a unit for each digit before they share a map
        code_activation="linear",  # a map needs room on all sides, not a square with digits in its corners
    ),
    fit=sigmoid_256_128_64.FIT,
)
