"""Draws how codes die: the dead units of every run against steps, and what the first steps do to a code's units."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from training.study.dying_text import is_dead
from training.study.findings import DyingCode, Run

# Two of Okabe and Ito's colours; the marks tell them apart in grey.
_COMPARED = {"as-written": ("#D55E00", "o"), "slow": ("#0072B2", "s")}
_COLUMNS = 200


def paint_dying(figure: Figure, dying: DyingCode) -> None:
    """Two charts side by side on an empty figure."""
    left, right = figure.subplots(1, 2, width_ratios=[1.8, 1])
    _paint_runs(figure, left, [*dying["seeds"], *list(dying["changes"].values())[1:]])
    _paint_first_steps(right, dying["changes"])


def _paint_runs(figure: Figure, axes: Axes, runs: Sequence[Run]) -> None:
    """A strip for each run, the darker the more units are dead; steps grow from the left as logarithms."""
    most = max(run["steps"] for run in runs)
    strips = np.stack([_spread(run, most) for run in runs])
    shades = axes.imshow(strips, cmap="cividis_r", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    ticks = [tick for tick in (0, 1, 10, 100, 1_000, 10_000) if tick <= most]
    axes.set_xticks([_place(tick, most) for tick in ticks], [f"{tick:,}" for tick in ticks])
    axes.set_yticks(range(len(runs)), [run["label"] for run in runs])
    axes.set_xlabel("steps")
    axes.set_title("Dead units of the code")
    axes.hlines(np.arange(len(runs) - 1) + 0.5, -0.5, _COLUMNS - 0.5, color="white", linewidth=3)
    for row, run in enumerate(runs):
        axes.text(_COLUMNS + 2, row, f"{run['dead_units'][-1]} of {run['code_dim']}", va="center", fontsize=8)
    bar = figure.colorbar(shades, ax=axes, orientation="horizontal", shrink=0.6, aspect=40, ticks=[0, 0.5, 1])
    bar.ax.set_xticklabels(["none", "half", "all dead"])


def _spread(run: Run, most: int) -> NDArray[np.float64]:
    """The share of dead units in each column of a strip; NaN, which stays white, where the run was over."""
    steps = np.expm1(np.linspace(0, np.log1p(most), _COLUMNS))
    last_look = np.searchsorted(run["looks"], steps * (1 + 1e-9), side="right") - 1
    shares = np.array(run["dead_units"])[last_look] / run["code_dim"]
    shares[steps > run["steps"] * 1.001] = np.nan
    return np.asarray(shares, np.float64)


def _place(step: int, most: int) -> float:
    return float(np.log1p(step) / np.log1p(most) * (_COLUMNS - 1))


def _paint_first_steps(axes: Axes, changes: dict[str, Run]) -> None:
    """The mean input of the code's units, and the room up to the largest."""
    for name, (colour, mark) in _COMPARED.items():
        run = changes[name]
        steps: Any = np.arange(len(run["mean_inputs"]))
        axes.fill_between(steps, run["mean_inputs"], run["largest_inputs"], color=colour, alpha=0.2, linewidth=0)
        label = f"{run['label']}{', dead' if is_dead(run) else ''}"
        axes.plot(steps, run["mean_inputs"], f"{mark}-", color=colour, label=label)
    axes.axhline(0, color="#57606a", linestyle="--")
    axes.set_xlabel("steps")
    axes.set_title("Input of the code's units:\nmean, and up to the largest")
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(axis="y")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12))
