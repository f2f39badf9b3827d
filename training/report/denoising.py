"""Noisy digits, cleaned; and the classical ways of cleaning to hold the model against."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from training.evaluation.evaluated import Evaluated, NoiseExamples
from training.evaluation.figures import Metrics
from training.report.charts import BLUE, INK, MUTED, PANEL, WIDE, render_chart
from training.report.pictures import Picture, build_pictures
from training.report.words import name_method, name_noise, write_psnr, write_share

MODEL, IDENTITY = "model", "identity"
# Pixels of a chart: for a line of dots with its name above, and for the scale below all.
_LINE, _SCALE = 50, 60


@dataclass(frozen=True)
class Cleaning:
    """One noise and what becomes of it.

    Attributes:
        title: The noise.
        meaning: What it does.
        verdict: The dB that decide, in a sentence.
        pairs: Noisy and cleaned pictures.
    """

    title: str
    meaning: str
    verdict: str
    pairs: list[tuple[Picture, Picture]]


@dataclass(frozen=True)
class Row:
    """One noise in the table of all methods.

    Attributes:
        title: The noise.
        cells: Of each method its dB, and whether it is the best.
        ratio: Squared error of the model over that of the best classical method.
        parameters: What the classical methods were tuned to.
    """

    title: str
    cells: list[tuple[str, bool]]
    ratio: str
    parameters: str


def build_cleanings(evaluation: Evaluated) -> list[Cleaning]:
    """Pictures of every noise, in the order of the evaluation."""
    compared = evaluation.metrics["denoising_table"]["noises"]
    return [
        Cleaning(*name_noise(name), _judge(compared[name]), _pair(examples))
        for name, examples in evaluation.noises.items()
    ]


def _pair(examples: NoiseExamples) -> list[tuple[Picture, Picture]]:
    numbers = range(1, len(examples.noisy) + 1)
    noisy = build_pictures(examples.noisy, [f"noisy digit {number}" for number in numbers])
    cleaned = build_pictures(examples.cleaned, [f"digit {number} cleaned" for number in numbers])
    return list(zip(noisy, cleaned, strict=True))


def _judge(compared: Metrics) -> str:
    methods, best = compared["methods"], compared["best_classical"]
    noisy, cleaned, rival = (write_psnr(methods[name]["psnr_db"]) for name in (IDENTITY, MODEL, best))
    return f"{noisy} noisy → {cleaned} cleaned; the best classical method, {name_method(best)}, {rival}"


def list_methods(metrics: Metrics) -> list[str]:
    """Column titles of the table, the model first."""
    compared = next(iter(metrics["denoising_table"]["noises"].values()))
    return [name_method(method) for method in compared["methods"]]


def build_rows(metrics: Metrics) -> list[Row]:
    """A row of the table for each noise."""
    return [_build_row(noise, compared) for noise, compared in metrics["denoising_table"]["noises"].items()]


def _build_row(noise: str, compared: Metrics) -> Row:
    figures = [found["psnr_db"] for found in compared["methods"].values()]
    tuned = {name: found["parameters"] for name, found in compared["methods"].items() if found.get("parameters")}
    return Row(
        name_noise(noise).title,
        [(f"{figure:.1f}", figure == max(figures)) for figure in figures],
        write_share(compared["ratio_to_best_classical"], 0),
        "; ".join(f"{name_method(name)} {_write_parameters(parameters)}" for name, parameters in tuned.items()),
    )


def _write_parameters(parameters: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in parameters.items())


def render_comparison(metrics: Metrics) -> Markup:
    """A line for each noise, a dot for each method."""
    noises = metrics["denoising_table"]["noises"]
    won = sum(row["ratio_to_best_classical"] < 1 for row in noises.values())
    alt = f"Signal-to-noise ratio of every method; this model beats all classical ones on {won} of {len(noises)} noises"
    return render_chart(alt, partial(_paint_lines, noises=noises), (WIDE[0], _SCALE + _LINE * len(noises)))


def _paint_lines(axes: Axes, noises: Metrics) -> None:
    for place, (noise, compared) in enumerate(noises.items()):
        _paint_line(axes, place, {name: found["psnr_db"] for name, found in compared["methods"].items()})
        axes.annotate(
            name_noise(noise).title, (0, place), xycoords=("axes fraction", "data"), xytext=(0, 11),
            textcoords="offset points", color=INK,
        )  # fmt: skip
    axes.set_ylim(len(noises) - 0.6, -0.8)
    axes.margins(x=0.09)
    axes.set_yticks([])
    axes.set_xlabel("dB, more is better")


def _paint_line(axes: Axes, place: int, figures: dict[str, float]) -> None:
    classical = [figure for name, figure in figures.items() if name not in (MODEL, IDENTITY)]
    axes.plot([min(figures.values()), max(figures.values())], [place, place], color=MUTED, linewidth=1, zorder=1)
    axes.plot(classical, np.full(len(classical), place), "o", color=PANEL, mec=MUTED, mew=1.5, ms=7, zorder=2)
    axes.plot([figures[IDENTITY]], [place], "x", color=MUTED, mew=2, ms=7, zorder=2)
    axes.plot([figures[MODEL]], [place], "o", color=BLUE, ms=10, zorder=3)
    axes.annotate(
        f"{figures[MODEL]:.1f}", (figures[MODEL], place), xytext=(8, 0), textcoords="offset points", va="center",
        color=BLUE, fontweight="bold",
    )  # fmt: skip
