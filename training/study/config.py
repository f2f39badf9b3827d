"""What one study consists of: plain values, no TensorFlow, so that the command line stays instant."""

from dataclasses import dataclass
from pathlib import Path

from training.config import with_steps
from training.errors import RecipeError
from training.recipes import RECIPES
from training.recipes.base import Recipe

# The parts of a study that train no recipe, by the names that `--only` takes.
DYING_CODE, ONE_CLASS = "dying-code", "one-class"
PARTS = (DYING_CODE, ONE_CLASS)


@dataclass(frozen=True)
class StudyConfig:
    """One study, complete.

    Attributes:
        data: Where the digits are; see `training.data.load.load_data`.
        models_root: Folder of the models, one for each recipe, and of everything else that is measured.
        page: The page to write; its pictures lie in `images` beside it.
        only: Recipes and parts to work on, by name; empty for all. The page tells of all that was ever finished.
        steps: Steps of every fit instead of its own number; None for its own.
        seed: Of every fit.
        fashion: Pictures that are no digits; see `training.data.load.load_fashion`.
    """

    data: str | None
    models_root: Path
    page: Path
    only: tuple[str, ...] = ()
    steps: int | None = None
    seed: int = 0
    fashion: Path | None = None

    def __post_init__(self) -> None:
        """Refuse a name that is neither a recipe nor a part.

        Raises:
            RecipeError: The text lists what there is.
        """
        for name in self.only:
            if name not in {*RECIPES, *PARTS}:
                raise RecipeError(f"{name!r} is no part of the study; choose from {', '.join([*RECIPES, *PARTS])}")

    def wants(self, name: str) -> bool:
        """True if a recipe or part is to be worked on."""
        return not self.only or name in self.only

    def recipes(self) -> list[Recipe]:
        """All recipes, in the registry's order, as long as this study trains them."""
        return [self.shorten(recipe) for recipe in RECIPES.values()]

    def shorten(self, recipe: Recipe) -> Recipe:
        """A recipe as long as this study trains it."""
        return recipe if self.steps is None else with_steps(recipe, self.steps)
