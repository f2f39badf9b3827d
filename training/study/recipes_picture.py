"""Draws what the recipes reach: error against code width, and each against principal components of its own width."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from training.fit.progress import format_duration
from training.recipes import GROUPS
from training.study.findings import Outcome
from training.study.lessons import find_group

# Okabe and Ito's colours, told apart by all eyes; the marks tell them apart in grey.
_STYLES = dict(zip(GROUPS, (("#D55E00", "o"), ("#0072B2", "s"), ("#009E73", "^")), strict=True))
_PCA = "#57606a"
# From the middle of a name's left end, so that it crosses no other name.
_LEADER = {"arrowstyle": "-", "color": _PCA, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3, "relpos": (0, 0.5)}
# Space between two names of one column, as a share of the height of the chart.
_NAME_HEIGHT = 0.042


def paint_recipes(figure: Figure, outcomes: Sequence[Outcome], floor: dict[int, float]) -> None:
    """Two charts, one below the other.

    Args:
        figure: Empty.
        outcomes: Those with a card.
        floor: Test MSE of principal components by their number.
    """
    above, below = figure.subplots(2, 1, height_ratios=[4.6, 0.8 + 0.27 * max(1, len(outcomes))])
    _paint_widths(above, outcomes, floor)
    _paint_ratios(below, outcomes)


def _paint_widths(axes: Axes, outcomes: Sequence[Outcome], floor: dict[int, float]) -> None:
    widths = sorted({*floor, *(outcome.recipe.network.code_dim for outcome in outcomes)})
    places = {width: place for place, width in enumerate(widths)}  # evenly spaced: names need the room
    axes.plot([places[width] for width in floor], list(floor.values()), "--", color=_PCA, label="principal components")
    for group, (colour, mark) in _STYLES.items():
        members = [outcome for outcome in outcomes if find_group(outcome.recipe) == group]
        across = [places[outcome.recipe.network.code_dim] for outcome in members]
        axes.plot(across, [_mse(outcome) for outcome in members], mark, color=colour, label=group)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * 1.5)  # names go up
    axes.yaxis.set_ticks(*_choose_ticks(low, high))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(-0.3, len(widths) + 0.3)
    axes.set_xticks(range(len(widths)), [str(width) for width in widths])
    axes.set_xlabel("code width")
    axes.set_ylabel("test MSE")
    axes.set_title("Error by code width; below the line is better than principal components")
    axes.grid(axis="y", which="major")
    axes.legend(loc="lower left")
    for width in widths:
        _name_column(axes, places[width], [outcome for outcome in outcomes if outcome.recipe.network.code_dim == width])


def _name_column(axes: Axes, place: int, outcomes: Sequence[Outcome]) -> None:
    """Write the names beside their marks, moved up where they would lie on each other, with a line to the mark."""
    to_share = axes.transScale + axes.transLimits  # data -> share of the chart
    lowest = -1.0
    for outcome in sorted(outcomes, key=_mse):
        height = to_share.transform((place, _mse(outcome)))[1]
        lowest = max(height, lowest + _NAME_HEIGHT)
        axes.annotate(
            outcome.recipe.name,
            (place, _mse(outcome)),
            xytext=(place + 0.16, to_share.inverted().transform((0, lowest))[1]),
            textcoords="data",
            fontsize=7.5,
            va="center",
            color=_STYLES[find_group(outcome.recipe)][0],
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            arrowprops=_LEADER,
        )


def _paint_ratios(axes: Axes, outcomes: Sequence[Outcome]) -> None:
    """Error as a multiple of that of principal components, best first, with the minutes that it took."""
    ordered = sorted(outcomes, key=_ratio)
    for row, outcome in enumerate(ordered):
        colour, mark = _STYLES[find_group(outcome.recipe)]
        axes.plot([1, _ratio(outcome)], [row, row], "-", color=colour, linewidth=2)
        axes.plot([_ratio(outcome)], [row], mark, color=colour)
        axes.annotate(
            f"{_ratio(outcome):.2f} in {_fit_time(outcome)}",
            (max(_ratio(outcome), 1), row),
            xytext=(9, 0),
            textcoords="offset points",
            fontsize=7.5,
            va="center",
        )
    axes.axvline(1, color=_PCA, linestyle="--")
    axes.set_xscale("log")
    ends = [1.0, *map(_ratio, ordered)]
    axes.set_xlim(min(ends) / 1.3, max(ends) * 2)
    axes.xaxis.set_ticks(*_choose_ticks(*axes.get_xlim()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(range(len(ordered)), [outcome.recipe.name for outcome in ordered])
    axes.set_ylim(len(ordered) - 0.4, -0.6)
    axes.set_xlabel("test MSE as a multiple of that of principal components of the same width, and minutes of the fit")
    axes.grid(axis="x")


def _choose_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """1, 2 and 5 times the powers of ten, from `low` to `high`, and how they are written."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5) if low <= digit * 10.0**power <= high]
    return ticks, [f"{tick:g}" for tick in ticks]


def _mse(outcome: Outcome) -> float:
    assert outcome.card is not None  # noqa: S101  # only those with a card are drawn
    return float(outcome.card["metrics"]["clean"]["mse"])


def _ratio(outcome: Outcome) -> float:
    assert outcome.card is not None  # noqa: S101  # the same
    return _mse(outcome) / float(outcome.card["metrics"]["pca_mse"])


def _fit_time(outcome: Outcome) -> str:
    assert outcome.card is not None  # noqa: S101  # the same
    return format_duration(outcome.card["training_seconds"])
