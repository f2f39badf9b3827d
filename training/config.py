"""What one training consists of: plain values, no TensorFlow, so that the command line stays instant."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from training.recipes.base import Recipe

MODEL_NAME = "digits"
# Held out of MNIST to calibrate on: enough for thresholds up to 0.9998, a twelfth of the training images.
HELD_OUT = 5_000
# Of what has no test part of its own.
TEST_SHARE = 0.1

StrategyName: TypeAlias = Literal["single", "mirrored", "multiworker"]
PrecisionName: TypeAlias = Literal["auto", "float32", "mixed"]
PreprocessName: TypeAlias = Literal["auto", "strict", "mnist"]


@dataclass(frozen=True)
class TrainConfig:
    """One training, complete.

    Attributes:
        recipe: Which model, and how it is fitted.
        data: Where the digits are; see `training.data.load.load_data`.
        models_root: Folder that holds `<name>/<version>`.
        name: Name of the model.
        seed: 0 .. 2**31 - 1; with the same data the same seed gives the same model on the same machine.
        held_out: Images set aside to calibrate the score; a fifth as many more are set aside to watch the fit.
        fashion: Pictures that are no digits, to measure the score on; see `training.data.load.load_fashion`.
        preprocess: How image files become 28x28; see `training.data.load.load_data`.
        split: Share of the images that the figures are measured on, where the source has no test part of its own.
        strategy: What the fit is spread over; see `training.fit.devices.open_devices`.
        precision: What the fit multiplies in; what is exported computes in float32.
        log_dir: Folder for TensorBoard; None to write nothing there.
        finish: Publish the best weights of a fit that was stopped, and do not go on with it.
    """

    recipe: Recipe
    data: str | None
    models_root: Path
    name: str = MODEL_NAME
    seed: int = 0
    held_out: int = HELD_OUT
    fashion: Path | None = None
    preprocess: PreprocessName = "auto"
    split: float = TEST_SHARE
    strategy: StrategyName = "single"
    precision: PrecisionName = "auto"
    log_dir: Path | None = None
    finish: bool = False


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    """The same recipe with another length; the learning rate still ends at 0 on its last step."""
    return dataclasses.replace(recipe, fit=dataclasses.replace(recipe.fit, steps=steps))
