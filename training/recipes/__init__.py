"""The recipes by name; each lives in a file of its own."""

from training.errors import RecipeError
from training.recipes import (
    conv_32,
    denoising_32,
    fixed_2d,
    plain_16,
    plain_32,
    plain_64,
    relu_300_100_2,
    relu_300_100_20,
    sigmoid_128_64,
    sigmoid_256_128,
    sigmoid_256_128_64,
    sigmoid_256_128_64_2,
    single_32,
    sparse_2d,
    sparse_64,
    vae_16,
)
from training.recipes.base import Recipe

# In the order of lists and tables, by what brings them here.
GROUPS: dict[str, tuple[Recipe, ...]] = {
    "as the articles have them": (
        relu_300_100_20.RECIPE,
        relu_300_100_2.RECIPE,
        sigmoid_256_128_64.RECIPE,
        sigmoid_256_128_64_2.RECIPE,
        sigmoid_128_64.RECIPE,
        sigmoid_256_128.RECIPE,
        single_32.RECIPE,
    ),
    "what the articles wished for next": (
        fixed_2d.RECIPE,
        conv_32.RECIPE,
        sparse_2d.RECIPE,
        sparse_64.RECIPE,
        vae_16.RECIPE,
    ),
    "ours": (plain_16.RECIPE, plain_32.RECIPE, plain_64.RECIPE, denoising_32.RECIPE),
}
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipes in GROUPS.values() for recipe in recipes}


def find_recipe(name: str) -> Recipe:
    """The recipe of this name.

    Raises:
        RecipeError: If there is none; the text lists those that exist.
    """
    if name not in RECIPES:
        raise RecipeError(f"there is no recipe {name!r}; choose one of {', '.join(sorted(RECIPES))}")
    return RECIPES[name]
