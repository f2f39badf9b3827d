"""The measured table: a row for each recipe, from model cards; knows Markdown and no model."""

from collections.abc import Iterator, Sequence
from typing import Any

from training.fit.progress import format_duration
from training.study.findings import Outcome
from training.study.lessons import find_lesson

_HEAD = (
    "recipe",
    "code",
    "parameters",
    "steps",
    "minutes",
    "test MSE",
    "PCA",
    "article",
    "BCE",
    "PSNR dB",
    "kNN(5)",
    "dead units",
    "AUROC",
    "remark",
)
# An article's figure is reached if ours is at most this much larger: seeds and splits make as much of a difference.
_SAME = 1.05


def render_table(outcomes: Sequence[Outcome]) -> str:
    """A Markdown table; numbers stand to the right."""
    rules = ("---", *("---:" for _ in _HEAD[1:-1]), "---")
    return "\n".join(_render_row(cells) for cells in (_HEAD, rules, *map(_fill_row, outcomes)))


def is_worse_than_pca(card: dict[str, Any]) -> bool:
    """True if principal components as many as the code has units leave less error."""
    metrics = card["metrics"]
    return bool(metrics["clean"]["mse"] > metrics["pca_mse"])


def _render_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fill_row(outcome: Outcome) -> tuple[str, ...]:
    recipe, card = outcome.recipe, outcome.card
    name, width = f"`{recipe.name}`", str(recipe.network.code_dim)
    if card is None:
        reason = f"**failed**: {_escape(outcome.failure)}" if outcome.failure else "not trained yet"
        return (name, width, "", f"{recipe.fit.steps:,}", *[""] * (len(_HEAD) - 5), reason)
    metrics = card["metrics"]
    reported = find_lesson(recipe).article_mse
    return (
        name,
        width,
        f"{card['parameters']:,}",
        f"{card['training_steps']:,}",
        format_duration(card["training_seconds"]),
        f"{metrics['clean']['mse']:.5f}",
        f"{metrics['pca_mse']:.5f}",
        "" if reported is None else f"{reported:.5f}",
        f"{metrics['clean']['bce']:.4f}",
        f"{metrics['clean']['psnr_db']:.2f}",
        f"{metrics['knn_accuracy']:.4f}" if "knn_accuracy" in metrics else "",
        f"{metrics['dead_code_units']} of {card['code_dim']}",
        f"{metrics['auroc_by_score']['mean']:.4f}",
        "; ".join(_remarks(card, reported)),
    )


def _remarks(card: dict[str, Any], reported: float | None) -> Iterator[str]:
    mse = card["metrics"]["clean"]["mse"]
    if is_worse_than_pca(card):
        yield "**worse than PCA**"
    if card["metrics"]["dead_code_units"] == card["code_dim"]:
        yield "**the whole code is dead**"
    if reported is not None:
        yield "reaches its article's figure" if mse <= _SAME * reported else "misses its article's figure"


def _escape(text: str | None) -> str:
    """A text that does not end the cell it stands in."""
    return (text or "").replace("|", "\\|").replace("\n", " ")
