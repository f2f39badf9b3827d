"""Recipes: found by name, complete, consistent, and listed without TensorFlow."""

import dataclasses
import json
import subprocess
import sys
from argparse import Namespace

import pytest

from training.commands import recipes as command
from training.errors import RecipeError
from training.recipes import GROUPS, RECIPES, find_recipe
from training.recipes.base import DenseNetwork, Recipe, ResidualNetwork
from training.recipes.size import count_parameters

ARTICLES, WISHES, OURS = GROUPS.values()


@pytest.fixture(params=sorted(RECIPES))
def recipe(request: pytest.FixtureRequest) -> Recipe:
    """Each recipe in turn."""
    return RECIPES[request.param]


@pytest.fixture(params=sorted(recipe.name for recipe in ARTICLES))
def article(request: pytest.FixtureRequest) -> Recipe:
    """Each recipe of the articles in turn."""
    return RECIPES[request.param]


@pytest.fixture(params=sorted(recipe.name for recipe in (*WISHES, *OURS)))
def later(request: pytest.FixtureRequest) -> Recipe:
    """Each recipe that is not the articles' in turn."""
    return RECIPES[request.param]


def test_recipe_is_found_by_its_own_name(recipe: Recipe) -> None:
    """The registry and the file agree on the name."""
    assert recipe is find_recipe(recipe.name)


def test_no_two_recipes_share_a_name() -> None:
    """Every recipe of every group is in the registry."""
    assert len(RECIPES) == sum(map(len, GROUPS.values()))


def test_unknown_recipe_lists_the_known_ones() -> None:
    """A misspelt name shows what to choose from."""
    with pytest.raises(RecipeError, match=r"there is no recipe 'denoising-33'; choose one of .*denoising-32"):
        find_recipe("denoising-33")


def test_recipe_fits_on_a_model_card(recipe: Recipe) -> None:
    """Every value of a recipe survives JSON, and the kind of its network is among them."""
    card = dataclasses.asdict(recipe)

    assert list(card) == list(json.loads(json.dumps(card)))
    assert card["network"]["kind"]


def test_name_ends_with_the_width_of_the_code(recipe: Recipe) -> None:
    """Who reads `vae-16` knows what `decode` expects."""
    assert str(recipe.network.code_dim) == recipe.name.rsplit("-", 1)[-1].removesuffix("d")


def test_doses_leave_clean_images(recipe: Recipe) -> None:
    """The corruptions take less than the whole batch, each from weak to strong."""
    corruption = recipe.fit.corruption
    doses = [] if corruption is None else [getattr(corruption, field.name) for field in dataclasses.fields(corruption)]

    assert sum(dose.share for dose in doses) < 1
    assert all(0 < dose.low <= dose.high for dose in doses)


def test_cross_entropy_has_a_sigmoid_to_look_behind(recipe: Recipe) -> None:
    """The loss is computed from logits, and only squashed pixels have any."""
    output = recipe.network.output_activation if isinstance(recipe.network, DenseNetwork) else "sigmoid"

    assert recipe.fit.loss.pixels == "squared" or output == "sigmoid"


def test_divergence_is_for_variational_codes_alone(recipe: Recipe) -> None:
    """The others have no distribution that could diverge, and a variational code without it would lose its noise."""
    variational = isinstance(recipe.network, ResidualNetwork) and recipe.network.variational

    assert variational == (recipe.fit.loss.divergence > 0)


def test_a_fit_is_looked_at_20_to_30_times(recipe: Recipe) -> None:
    """Often enough to see where it goes and to lose little by a kill; evenly, so that the last look is at the end."""
    assert 20 <= recipe.fit.steps / recipe.fit.watch_every_steps <= 30
    assert 0 == recipe.fit.steps % recipe.fit.watch_every_steps


def test_article_recipes_have_nothing_that_their_articles_lack(article: Recipe) -> None:
    """A constant rate, no clipping, no decay, no average, no patience, no noise."""
    fit, optimizer = article.fit, article.fit.optimizer

    assert ("constant", 0, None, 0.0) == (
        optimizer.schedule,
        optimizer.warm_up_steps,
        optimizer.clip_norm,
        optimizer.weight_decay,
    )
    assert (0.0, None, None, 0.0) == (fit.average_decay, fit.patience, fit.corruption, fit.loss.sparsity)
    assert {"rmsprop": 0.9, "adamw": 0.999}[optimizer.rule] == optimizer.beta_2


def test_later_recipes_end_at_rate_0_with_an_average(later: Recipe) -> None:
    """The average is over at most a tenth of the fit: the weights before that were others."""
    assert "cosine" == later.fit.optimizer.schedule
    assert 0 < 1 / (1 - later.fit.average_decay) <= later.fit.steps / 10


def test_size_is_the_sum_of_kernels_and_biases() -> None:
    """784-32-784: one kernel and one bias a layer."""
    assert 784 * 32 + 32 + 32 * 784 + 784 == count_parameters(find_recipe("single-32").network)


def test_default_recipe_stays_under_a_million_parameters() -> None:
    """The exported default model has to stay below 4 MB."""
    assert count_parameters(find_recipe("denoising-32").network) < 1_000_000


def test_list_tells_of_every_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Each has a line with its figures, then where it comes from and what it reaches, under its group."""
    command.run(Namespace())

    lines = capsys.readouterr().out.splitlines()
    groups = [line.removesuffix(":") for line in lines if line.endswith(":")]
    default = next(place for place, line in enumerate(lines) if line.startswith("denoising-32 "))
    assert list(GROUPS) == groups
    assert list(RECIPES) == [line.split()[0] for line in lines[1:] if line and line[0] != " " and line[-1] != ":"]
    assert ["denoising-32", "32", "881,272", "60,000", "x", "256"] == lines[default].split()[:6]
    assert ["from", "this", "project"] == lines[default + 1].split()
    assert f"reaches  {find_recipe('denoising-32').known_result}" == lines[default + 2].strip()


def test_list_fits_a_wide_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing wraps at 140 columns."""
    command.run(Namespace())

    assert 140 >= max(map(len, capsys.readouterr().out.splitlines()))


def test_recipes_need_no_tensorflow() -> None:
    """Listing recipes is instant because nothing heavy is imported."""
    script = (
        "import sys, training.commands.recipes as command\n"
        "command.run(None)\n"
        "print(sorted({'tensorflow', 'keras', 'numpy'} & sys.modules.keys()))"
    )

    done = subprocess.run(  # our own interpreter and script
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )

    assert "[]" == done.stdout.splitlines()[-1]
