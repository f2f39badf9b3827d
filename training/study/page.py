"""docs/recipes.md: what every recipe reaches, and what it teaches; every figure and every verdict is measured."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from training.fit.progress import format_duration
from training.recipes import GROUPS, RECIPES
from training.recipes.base import Recipe
from training.study.dying_text import render_dying
from training.study.findings import Findings, Outcome
from training.study.lessons import find_group, find_lesson
from training.study.one_class_text import render_one_class
from training.study.table import is_worse_than_pca, render_table
from training.study.words import enumerate_words

PICTURE = "recipes.png"
_ALT = "Test error against code width beside principal components, and error and minutes of every recipe"
_COMMAND = """\
```
python -m training study --data DIR --fashion DIR
```"""
_COLUMNS = """\
**How to read the tables.** Minutes: the fit alone, minutes:seconds. Test MSE: mean squared difference of test digits
and their reconstructions, pixels in [0, 1]. PCA: the same of as many principal components as the code is wide, fitted
to the same training digits. Article: what its article reports. BCE: binary cross-entropy in nats a pixel. PSNR: mean
over the digits. kNN(5): how often five nearest neighbours among the training codes tell the class of a test code. Dead
units: those of the code that say the same of every test digit. AUROC: mean over {sets} sets of strange pictures
against the test digits, by anomaly score."""
_INTRODUCTION = """\
Every recipe of `python -m training recipes`, trained and measured in the same way: the networks of the articles that
autoencoders are learned from, what those articles wished for next, and what does better. One command trains them all
and writes this page; stopped, it goes on where it was."""


def render_page(findings: Findings) -> str:
    """The whole page, Markdown; its pictures lie in `images` beside it."""
    parts = [
        "# What the recipes reach, and what they teach",
        _INTRODUCTION,
        _COMMAND,
        *_tell_circumstances(findings),
        f"![{_ALT}](images/{PICTURE})",
        *_tell_pca(findings.cards()),
        *_render_groups(findings.outcomes),
        *_explain_columns(findings.cards()),
        *([render_dying(findings.dying)] if findings.dying else []),
        *([render_one_class(findings.one_class, findings.data_name)] if findings.one_class else []),
    ]
    return "\n\n".join(parts) + "\n"


def _tell_circumstances(findings: Findings) -> Iterator[str]:
    """Where, when and how long, from the model cards."""
    cards = findings.cards()
    if not cards:
        yield "No recipe has been trained yet."
        return
    machines = [f"{card['machine']['processors']} processors ({card['machine']['architecture']})" for card in cards]
    libraries = [f"TensorFlow {card['libraries']['tensorflow']}, Keras {card['libraries']['keras']}" for card in cards]
    days = sorted(datetime.fromisoformat(card["created"]).date().isoformat() for card in cards)
    yield (
        f"Measured on the {findings.test_images:,} test digits of {findings.data_name}, seed {cards[0]['seed']}; "
        f"{_join(machines)}; {_join(libraries)}; {' to '.join(dict.fromkeys([days[0], days[-1]]))}. "
        f"{_tell_time(findings)} (minutes:seconds)."
    )
    shortened = [f"`{outcome.recipe.name}`" for outcome in findings.outcomes if _is_shortened(outcome.recipe)]
    if shortened:
        yield f"**A trial**: not trained in full length were {enumerate_words(shortened)}."
    missing = [f"`{outcome.recipe.name}`" for outcome in findings.outcomes if outcome.card is None]
    if missing:
        yield f"Without a model yet: {enumerate_words(missing)}."


def _tell_pca(cards: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Which models are worse than the simplest thing that could be done."""
    worse = [f"`{card['recipe']['name']}`" for card in cards if is_worse_than_pca(card)]
    if worse:
        yield (
            f"**Worse than principal components of their own width**: {enumerate_words(worse)}, {len(worse)} of "
            f"{len(cards)}. As many numbers, found by linear algebra without any training, leave less error."
        )
    elif cards:
        yield "Every model is better than principal components of its own width."


def _render_groups(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for group in GROUPS:
        members = [outcome for outcome in outcomes if find_group(outcome.recipe) == group]
        if members:
            yield f"## Recipes: {group}"
            yield render_table(members)
            yield "\n".join(f"- `{recipe.name}`: {find_lesson(recipe).text}" for recipe, *_ in members)


def _tell_time(findings: Findings) -> str:
    if findings.seconds is None:
        return f"The fits took {format_duration(findings.fit_seconds)}"
    fits, everything = map(format_duration, (findings.fit_seconds, findings.seconds))
    return f"All of it took {everything}, the fits alone {fits}"


def _is_shortened(recipe: Recipe) -> bool:
    return recipe.name in RECIPES and recipe.fit.steps != RECIPES[recipe.name].fit.steps


def _explain_columns(cards: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What the columns mean; the mean AUROC is of fewer sets where no pictures of clothes were given, or no labels."""
    counts = sorted({len(card["metrics"]["auroc_by_score"]) - 1 for card in cards})  # one of them is their mean
    if counts:
        yield _COLUMNS.format(sets=" or ".join(map(str, counts)))


def _join(facts: Sequence[Any]) -> str:
    """Facts of all cards, each once."""
    return " and ".join(dict.fromkeys(facts))
