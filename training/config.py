"""What one training consists of: plain values, no TensorFlow, so that the command line stays instant."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from training.recipes.base import Recipe

MODEL_NAME = "digits"
# Held out of MNIST: enough for thresholds up to 0.9998, a twelfth of the training images.
HELD_OUT = 5_000


@dataclass(frozen=True)
class TrainConfig:
    """One training, complete.

    Attributes:
        recipe: Which model, and how it is fitted.
        data: Where the digits are; see `training.data.load.load_data`.
        models_root: Folder that holds `<name>/<version>`.
        name: Name of the model.
        seed: 0 .. 2**31 - 1; with the same data the same seed gives the same model on the same machine.
        held_out: Images set aside to watch the fit and to calibrate the score.
        fashion: Pictures that are no digits, to measure the score on; see `training.data.load.load_fashion`.
    """

    recipe: Recipe
    data: str | None
    models_root: Path
    name: str = MODEL_NAME
    seed: int = 0
    held_out: int = HELD_OUT
    fashion: Path | None = None


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    """The same recipe with another length; the learning rate still ends at 0 on its last step."""
    return dataclasses.replace(recipe, fit=dataclasses.replace(recipe.fit, steps=steps))
