"""Recipes: found by name, complete, and listed without TensorFlow."""

import dataclasses
import json
import subprocess
import sys

import pytest

from training.errors import RecipeError
from training.recipes import RECIPES, find_recipe
from training.recipes.base import Recipe


@pytest.fixture(params=sorted(RECIPES))
def recipe(request: pytest.FixtureRequest) -> Recipe:
    """Each recipe in turn."""
    return RECIPES[request.param]


def test_recipe_is_found_by_its_own_name(recipe: Recipe) -> None:
    """The registry and the file agree on the name."""
    assert recipe is find_recipe(recipe.name)


def test_unknown_recipe_lists_the_known_ones() -> None:
    """A misspelt name shows what to choose from."""
    with pytest.raises(RecipeError, match=r"there is no recipe 'denoising-33'; choose one of .*denoising-32"):
        find_recipe("denoising-33")


def test_recipe_fits_on_a_model_card(recipe: Recipe) -> None:
    """Every value of a recipe survives JSON, and the kind of its network is among them."""
    card = dataclasses.asdict(recipe)

    assert list(card) == list(json.loads(json.dumps(card)))
    assert card["network"]["kind"]


def test_doses_leave_clean_images(recipe: Recipe) -> None:
    """The corruptions take less than the whole batch, each from weak to strong."""
    corruption = recipe.fit.corruption
    doses = [] if corruption is None else [getattr(corruption, field.name) for field in dataclasses.fields(corruption)]

    assert sum(dose.share for dose in doses) < 1
    assert all(0 < dose.low <= dose.high for dose in doses)


def test_recipes_need_no_tensorflow() -> None:
    """Listing recipes is instant because nothing heavy is imported."""
    script = "import sys, training.recipes; print(sorted({'tensorflow', 'keras', 'numpy'} & sys.modules.keys()))"

    done = subprocess.run(  # our own interpreter and script
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )

    assert "[]" == done.stdout.strip()
