"""Normal digits against strange images: how scores and errors spread, what a threshold catches, what it promised."""

from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator
from numpy.typing import NDArray

from training.evaluation.figures import Floats
from training.evaluation.measures import false_alarm_rate
from training.report.charts import BLUE, HALO, INK, MUTED, RED, RULE, SMALL, WIDE, render_chart
from training.report.words import write_count, write_error, write_share

Doubles = NDArray[np.float64]

THRESHOLD = 0.99
_BINS = 36
# A score of 1 - 1e-6 is as strange as can be told: float32 ends there.
_NINES = 6
# Smaller errors are all alike: less than a grey level.
_LEAST_ERROR = 1e-6
_CURVE_POINTS = 120
# Thresholds that are told in figures.
_CHOSEN = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


def count_nines(scores: Floats) -> Doubles:
    """-log10(1 - score), at most 6: 0.9 is 1, 0.99 is 2; so the top of the scale, where all is decided, is wide."""
    nines: Doubles = -np.log10(np.maximum(1 - scores.astype(np.float64), 10.0**-_NINES))
    return nines


def render_score_histogram(title: str, normal: Floats, strange: Floats) -> Markup:
    """Scores of normal digits and of one strange set on a scale of nines, the threshold drawn."""
    caught = write_share(float(np.mean(strange > np.float32(THRESHOLD))), 1)
    alt = f"{title}: anomaly scores of normal digits and of this set, {caught} of which is above {THRESHOLD}"
    return render_chart(alt, partial(_paint_scores, normal=count_nines(normal), strange=count_nines(strange)), SMALL)


def _paint_scores(axes: Axes, normal: Doubles, strange: Doubles) -> None:
    _paint_two(axes, np.linspace(0, _NINES, _BINS + 1), normal, strange)
    axes.axvline(
        float(count_nines(np.array([THRESHOLD], np.float32))[0]), color=INK, linewidth=1.2, linestyle=(0, (4, 3))
    )
    axes.set_xticks([0, 1, 2, 3, _NINES], ["0", ".9", ".99", ".999", "1"])
    axes.set_xlabel("anomaly score")


def render_error_histogram(title: str, normal: Floats, strange: Floats) -> Markup:
    """Reconstruction errors of normal digits and of one strange set on a logarithmic scale."""
    alt = f"{title}: reconstruction errors of normal digits and of this set"
    return render_chart(alt, partial(_paint_errors, normal=_log(normal), strange=_log(strange)), SMALL)


def _log(errors: Floats) -> Doubles:
    logarithms: Doubles = np.log10(np.maximum(errors.astype(np.float64), _LEAST_ERROR))
    return logarithms


def _paint_errors(axes: Axes, normal: Doubles, strange: Doubles) -> None:
    least = min(normal.min(), strange.min())
    most = max(normal.max(), strange.max(), least + 0.1)
    edges = np.linspace(least, most, _BINS + 1)
    _paint_two(axes, edges, normal, strange)
    axes.axvline(float(np.quantile(normal, THRESHOLD)), color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    _mark_decades(axes, edges)


def _paint_two(axes: Axes, edges: Doubles, normal: Doubles, strange: Doubles) -> None:
    for values, colour in ((normal, MUTED), (strange, RED)):
        counts, _ = np.histogram(values, edges)
        axes.stairs(counts / max(len(values), 1), edges, fill=True, color=colour, alpha=0.3)
        axes.stairs(counts / max(len(values), 1), edges, color=colour, linewidth=1.5)
    axes.set_yticks([])
    axes.set_ylim(bottom=0)


def render_spread(errors: Floats) -> Markup:
    """How the errors of normal digits spread, the median and the rarest hundredth marked."""
    marks = [("half", float(np.quantile(errors, 0.5))), ("99 %", float(np.quantile(errors, THRESHOLD)))]
    told = " and ".join(f"{name} of them at most {write_error(mark)}" for name, mark in marks)
    return render_chart(
        f"Reconstruction errors of {len(errors):,} test digits, {told}",
        partial(_paint_spread, errors=_log(errors), marks=marks),
    )


def _paint_spread(axes: Axes, errors: Doubles, marks: list[tuple[str, float]]) -> None:
    edges = np.linspace(errors.min(), max(errors.max(), errors.min() + 0.1), _BINS + 1)
    counts, _ = np.histogram(errors, edges)
    axes.stairs(counts, edges, fill=True, color=BLUE)
    axes.set_ylim(0, 1.35 * counts.max())  # room for the words of both marks, one below the other
    for line, (name, mark) in enumerate(marks):
        place = np.log10(max(mark, _LEAST_ERROR))
        axes.axvline(place, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(
            f"{name} at most {write_error(mark)}", (place, 1), xycoords=("data", "axes fraction"),
            xytext=(-5, -1 - 16 * line), textcoords="offset points", ha="right", va="top", color=INK, gid=HALO,
        )  # fmt: skip
    _mark_decades(axes, edges)
    axes.set_yticks([])


def _mark_decades(axes: Axes, edges: Doubles) -> None:
    """Ticks at powers of ten, of a scale of logarithms."""
    decades = np.arange(np.ceil(edges[0]), np.floor(edges[-1]) + 1)
    axes.set_xticks(decades, [f"{10.0**decade:g}" for decade in decades])
    axes.set_xlabel("reconstruction error")


def render_roc(title: str, normal: tuple[Floats, Floats], strange: tuple[Floats, Floats]) -> Markup:
    """What is caught against false alarms, by score and by error; both come as (scores, errors)."""
    alt = f"{title}: share caught against the share of false alarms, by anomaly score and by reconstruction error"
    curves = [trace_roc(*pair) for pair in zip(normal, strange, strict=True)]
    return render_chart(alt, partial(_paint_roc, by_score=curves[0], by_error=curves[1]), SMALL)


def trace_roc(normal: Floats, strange: Floats) -> tuple[Doubles, Doubles]:
    """False alarms (p,) and what is caught at that price (p,), ascending; each threshold is a normal image's own value.

    A value equal to the threshold is no alarm, so ties never flatter the curve.
    """
    least = 1 / len(normal)
    alarms = np.unique((np.geomspace(least, 1, _CURVE_POINTS) * len(normal)).round().astype(int)).clip(1, len(normal))
    descending = np.sort(normal)[::-1]
    thresholds = np.append(descending, -np.inf)[alarms]
    ordered = np.sort(strange)
    caught = 1 - np.searchsorted(ordered, thresholds, side="right") / max(len(ordered), 1)
    return alarms / len(normal), caught


def _paint_roc(axes: Axes, by_score: tuple[Doubles, Doubles], by_error: tuple[Doubles, Doubles]) -> None:
    axes.axvline(1 - THRESHOLD, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.plot(*by_error, color=MUTED, linestyle=(0, (3, 2)))
    axes.plot(*by_score, color=BLUE)
    axes.set_xscale("log")
    axes.set_xlim(min(by_score[0][0], 0.005), 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(-0.03, 1.05)
    axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    axes.set_xlabel("false alarms")


def render_calibration(calibration: dict[str, Any], images: int) -> Markup | None:
    """Promised against measured false alarms; None where no threshold of the curve raised any."""
    points = np.array([(at["promised"], at["false_alarm_rate"]) for at in calibration["curve"]], np.float64)
    points = points[(points > 0).all(axis=1)]
    if len(points) < 2:
        return None
    alt = f"Promised against measured false alarms of {images:,} test digits, at {len(points)} thresholds"
    return render_chart(alt, partial(_paint_calibration, points=points, images=images, size=calibration["size"]), WIDE)


def describe_band(size: int | None, images: int) -> str:
    """What the grey band of the calibration's chart is."""
    samples = write_count(images, "test digit")
    if size:
        samples = f"{write_count(size, 'calibration digit')} and {samples}"
    return f"At each threshold 19 of 20 honest calibrations lie in the grey band: {samples} allow no narrower one."


def list_promises(anomaly_scores: Floats, size: int | None) -> list[tuple[str, str, str]]:
    """Threshold, promised and measured false alarms, at the thresholds that people choose.

    Args:
        anomaly_scores: Of normal digits, float32 (n,).
        size: How many images calibrated them; beyond size / (size + 1) nothing is promised. None if nobody knows.
    """
    largest = 1.0 if size is None else size / (size + 1)
    return [
        (f"{threshold:g}", write_share(1 - threshold, 1), write_share(false_alarm_rate(anomaly_scores, threshold)))
        for threshold in _CHOSEN
        if threshold <= largest
    ]


def _paint_calibration(axes: Axes, points: Doubles, images: int, size: int | None) -> None:
    promised, measured = points[np.argsort(points[:, 0])].T
    line = np.geomspace(promised[0], promised[-1], 60)
    # Of the test digits and of those that calibrated the score alike: both are a sample.
    deviation = np.sqrt(line * (1 - line) * (1 / images + (1 / size if size else 0)))
    floor = min(promised[0], measured.min()) / 2
    axes.fill_between(line, np.maximum(line - 2 * deviation, floor), line + 2 * deviation, color=RULE, linewidth=0)
    axes.plot(line, line, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.plot(promised, measured, color=BLUE, marker="o", ms=4)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
        axis.set_minor_locator(NullLocator())
    axes.set_ylim(bottom=floor)
    axes.set_xlabel("promised false alarms: 1 - threshold")
    axes.set_ylabel("measured")
