"""Test digits beside what the codec makes of them: some typical ones, and how hard each class is."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from numpy.typing import NDArray

from training.data.load import DigitData
from training.evaluation.evaluated import Answers
from training.evaluation.figures import Metrics
from training.report.charts import BLUE, HALO, INK, MUTED, WIDE, render_chart
from training.report.pictures import Picture, build_difference, build_picture
from training.report.words import write_error

# Where the digits carry no labels: this many of them, from the easiest to the hardest.
_WITHOUT_LABELS = 10
# A row of the page.
_EXTREMES = 10


@dataclass(frozen=True)
class Triple:
    """A digit, its reconstruction and where they differ.

    Attributes:
        title: Which digit it is.
        notes: Its figures, a line each.
    """

    title: str
    image: Picture
    reconstruction: Picture
    difference: Picture
    notes: tuple[str, ...]


def build_typical(data: DigitData, test: Answers) -> list[Triple]:
    """Of each class the digit with the median error; without labels digits from the least to the largest error."""
    if data.test_labels is None:
        rows = _spread(np.argsort(test.errors, kind="stable"), _WITHOUT_LABELS)
    else:
        rows = [_median_row(test.errors, data.test_labels == label) for label in np.unique(data.test_labels)]
    return [_build_triple(data, test, row, [write_error(test.errors[row])]) for row in rows]


def build_extremes(data: DigitData, test: Answers) -> tuple[list[Triple], list[Triple]]:
    """The strangest test digits, the strangest first, and the most normal ones; errors decide between equal scores."""
    order = np.lexsort((test.errors, test.anomaly_scores))
    few = min(_EXTREMES, len(order))
    strangest, most_normal = (
        [_build_triple(data, test, int(row), _scores(test, int(row))) for row in rows]
        for rows in (order[::-1][:few], order[:few])
    )
    return strangest, most_normal


def _scores(test: Answers, row: int) -> list[str]:
    return [f"{test.anomaly_scores[row]:.4f}", write_error(test.errors[row])]


def _spread(order: NDArray[np.intp], number: int) -> list[int]:
    places = np.unique(np.linspace(0, len(order) - 1, number).round().astype(int))
    return [int(row) for row in order[places]]


def _median_row(errors: NDArray[np.float32], chosen: NDArray[np.bool_]) -> int:
    rows = np.flatnonzero(chosen)
    return int(rows[np.argsort(errors[rows], kind="stable")[(len(rows) - 1) // 2]])


def _build_triple(data: DigitData, test: Answers, row: int, notes: list[str]) -> Triple:
    image, reconstruction = data.test_images[row], test.reconstructions[row]
    title = f"digit {row}" if data.test_labels is None else str(data.test_labels[row])
    what = f"test digit {row}" + ("" if data.test_labels is None else f", a {data.test_labels[row]}")
    return Triple(
        title,
        build_picture(image, what),
        build_picture(reconstruction, f"reconstruction of {what}"),
        build_difference(image, reconstruction, f"where the reconstruction of {what} differs"),
        tuple(notes),
    )


def render_errors_by_class(metrics: Metrics) -> Markup | None:
    """A bar for the mean error of each class; None without labels."""
    by_class: dict[str, float] = metrics.get("mse_by_digit", {})
    if not by_class:
        return None
    hardest, easiest = max(by_class, key=by_class.__getitem__), min(by_class, key=by_class.__getitem__)
    alt = (
        f"Mean reconstruction error of each class, from {write_error(by_class[easiest])} for {easiest} "
        f"to {write_error(by_class[hardest])} for {hardest}"
    )
    return render_chart(alt, partial(_paint_bars, by_class=by_class, mean=metrics["clean"]["mse"]), WIDE)


def _paint_bars(axes: Axes, by_class: dict[str, Any], mean: float) -> None:
    places = range(len(by_class))
    axes.bar(places, list(by_class.values()), width=0.72, color=BLUE)
    for place, error in zip(places, by_class.values(), strict=True):
        axes.annotate(
            write_error(error).lstrip("0"), (place, error), xytext=(0, 3), textcoords="offset points", ha="center",
            gid=HALO,
        )  # fmt: skip
    axes.axhline(mean, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        f"mean {write_error(mean)}", (1, mean), xycoords=("axes fraction", "data"), xytext=(4, 0),
        textcoords="offset points", va="center", color=MUTED, annotation_clip=False,
    )  # fmt: skip
    axes.set_xticks(places, list(by_class))
    axes.grid(axis="x", visible=False)
    axes.set_yticks([])
    axes.set_xlabel("class")
