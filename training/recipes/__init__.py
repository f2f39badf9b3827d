"""The recipes by name; each lives in a file of its own."""

from training.errors import RecipeError
from training.recipes import denoising_32
from training.recipes.base import Recipe

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (denoising_32.RECIPE,)}


def find_recipe(name: str) -> Recipe:
    """The recipe of this name.

    Raises:
        RecipeError: If there is none; the text lists those that exist.
    """
    if name not in RECIPES:
        raise RecipeError(f"there is no recipe {name!r}; choose one of {', '.join(sorted(RECIPES))}")
    return RECIPES[name]
