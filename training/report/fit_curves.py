"""How a fit went: the loss that it made small and the error that it was watched by."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from training.report.charts import BLUE, HALO, INK, RED, render_chart
from training.report.words import write_error

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """What a fit wrote down at its looks.

    Attributes:
        steps: Steps done, (n,), ascending.
        losses: Mean training loss since the look before, (n,).
        watched_errors: Mean squared error on the watched digits, (n,).
    """

    steps: Doubles
    losses: Doubles
    watched_errors: Doubles


def render_fit_curves(history: History) -> tuple[Markup, Markup]:
    """The training loss and the watched error over the steps."""
    best = int(np.argmin(history.watched_errors))
    loss = render_chart(
        f"Training loss, from {history.losses[0]:.4g} to {history.losses[-1]:.4g}",
        partial(_paint_curve, steps=history.steps, heights=history.losses, colour=RED, marked=len(history.steps) - 1),
    )
    watched = render_chart(
        f"Watched error, at its least {history.watched_errors[best]:.4g} after {history.steps[best]:,.0f} steps",
        partial(_paint_curve, steps=history.steps, heights=history.watched_errors, colour=BLUE, marked=best),
    )
    return loss, watched


def _paint_curve(axes: Axes, steps: Doubles, heights: Doubles, colour: str, marked: int) -> None:
    axes.plot(steps, heights, color=colour)
    axes.plot(steps[marked], heights[marked], "o", color=colour, ms=7)
    axes.annotate(
        write_error(heights[marked]), (steps[marked], heights[marked]), xytext=(0, -9), textcoords="offset points",
        ha="right" if marked > len(steps) / 2 else "left", va="top", color=INK, fontweight="bold", gid=HALO,
    )  # fmt: skip
    if heights.min() > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda height, _: f"{height:.3g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.margins(y=0.15)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    axes.set_xlabel("steps")
