"""The code: where the digits lie in it, what its units do, and what the decoder draws from places in it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from training.evaluation.figures import Floats, Images
from training.evaluation.measures import count_dead_units
from training.report.charts import BLUE, HALO, INK, RED, SQUARE, WIDE, class_colour, render_chart
from training.report.pictures import Picture, build_sheet
from training.report.words import write_share

Doubles = NDArray[np.float64]
Labels = NDArray[np.int64]
Decode: TypeAlias = Callable[[Floats], Images]

# Enough to see the islands; t-SNE of them takes some five seconds.
_SCATTERED = 2000
_PERPLEXITY = 30
# The islands stand after half of the usual thousand.
_ITERATIONS = 500
# A manifold of this many digits each way; a line of them where the code is one wide.
_MANIFOLD_SIDE = 15
# The outermost digits of a manifold are these quantiles of the codes: beyond them few digits lie.
_OUTERMOST = 0.02
# Fewer bars would be as wide as walls.
_FEWEST_BARS = 8
_SAMPLES, _SAMPLE_COLUMNS = 60, 15


@dataclass(frozen=True)
class Projection:
    """Codes on paper.

    Attributes:
        title: How they came there.
        places: (n, 2).
        axes: What the two directions are; None where they mean nothing.
    """

    title: str
    places: Doubles
    axes: tuple[str, str] | None


def build_projections(codes: Floats) -> list[Projection]:
    """Two-wide codes as they are; wider ones by principal components and by t-SNE; none for narrower or dead ones."""
    alive = codes.shape[1] - count_dead_units(codes)
    if codes.shape[1] < 2 or alive == 0:
        return []
    few = codes[:_SCATTERED].astype(np.float64)
    if codes.shape[1] == 2:
        return [Projection("The code as it is", few, ("first unit", "second unit"))]
    shares = _variance_shares(codes)
    axes = (
        f"first component, {write_share(shares[0], 0)} of the variance",
        f"second component, {write_share(shares[1], 0)}",
    )
    projections = [Projection("Principal components", _project(codes)[: len(few)], axes)]
    if alive > 2 and len(few) > 3 * _PERPLEXITY:
        projections.append(Projection("t-SNE", _embed_neighbours(few), None))
    return projections


def _find_plane(codes: Floats) -> tuple[Doubles, Doubles, Doubles]:
    """Mean code (d,), the first two principal directions (2, d), and the variances along all of them, descending."""
    mean = codes.mean(axis=0, dtype=np.float64)
    centred = codes - mean
    variances, directions = np.linalg.eigh(centred.T @ centred / len(codes))  # of one digit too, where np.cov gives up
    return mean, directions[:, ::-1][:, :2].T, variances[::-1]


def _project(codes: Floats) -> Doubles:
    mean, plane, _ = _find_plane(codes)
    places: Doubles = (codes - mean) @ plane.T
    return places


def _variance_shares(codes: Floats) -> Doubles:
    _, _, variances = _find_plane(codes)
    shares: Doubles = variances / variances.sum()
    return shares


def _embed_neighbours(codes: Doubles) -> Doubles:
    """Source: van der Maaten and Hinton, Visualizing Data using t-SNE, 2008."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    embedding = TSNE(perplexity=_PERPLEXITY, init="pca", random_state=0, max_iter=_ITERATIONS)
    # One thread: its threads wait for each other by spinning, on a busy machine ten times as long as one works alone.
    with threadpool_limits(1):
        places: Doubles = embedding.fit_transform(codes).astype(np.float64)
    return places


def render_projection(projection: Projection, labels: Labels | None) -> Markup:
    """Every digit a dot in the colour of its class, every class named at its middle."""
    alt = f"{projection.title}: the codes of {len(projection.places):,} test digits"
    few = None if labels is None else labels[: len(projection.places)]
    return render_chart(alt, partial(_paint_dots, projection=projection, labels=few), SQUARE)


def _paint_dots(axes: Axes, projection: Projection, labels: Labels | None) -> None:
    places = projection.places
    classes = [None] if labels is None else list(np.unique(labels))
    for number, label in enumerate(classes):
        own = places if labels is None else places[labels == label]
        axes.add_patch(_build_dots(own, BLUE if label is None else class_colour(number)))
    for label in classes if labels is not None else []:
        middle = np.median(places[labels == label], axis=0)
        axes.annotate(str(label), middle, ha="center", va="center", fontsize=17, fontweight="bold", color=INK, gid=HALO)
    axes.update_datalim(places)
    axes.autoscale_view()
    axes.margins(0.03)
    axes.set_aspect("equal", adjustable="datalim")  # a distance is the same in every direction
    if projection.axes is None:
        axes.set_axis_off()
    else:
        axes.set_xlabel(projection.axes[0])
        axes.set_ylabel(projection.axes[1])


def _build_dots(places: Doubles, colour: str) -> PathPatch:
    """Lines of no length with round ends: a tenth of what as many marks take."""
    twice = np.repeat(places, 2, axis=0)
    outline = Outline(twice, np.tile([Outline.MOVETO, Outline.LINETO], len(places)).astype(Outline.code_type))
    outline.should_simplify = False
    return PathPatch(outline, edgecolor=colour, linewidth=4, capstyle="round", fill=False, alpha=0.7)


def build_manifold(codes: Floats, decode: Decode) -> Picture:
    """What the decoder draws on a grid over the codes: of both units of a two-wide code, else of the principal plane.

    Grid lines lie at equal steps of the quantiles, so that where many digits lie there are many lines; up and to the
    right is more.
    """
    quantiles = np.linspace(_OUTERMOST, 1 - _OUTERMOST, _MANIFOLD_SIDE)
    if codes.shape[1] == 1:
        line = np.quantile(codes, quantiles, axis=0).astype(np.float32)
        return build_sheet(decode(line), _MANIFOLD_SIDE, "Digits decoded along the one unit of the code")
    mean, plane = (np.zeros(2), np.eye(2)) if codes.shape[1] == 2 else _find_plane(codes)[:2]
    across, up = np.quantile((codes - mean) @ plane.T, quantiles, axis=0).T
    grid = np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2)
    images = decode((mean + grid @ plane).astype(np.float32))
    return build_sheet(images, _MANIFOLD_SIDE, "Digits decoded on a grid over the codes")


def build_samples(code_dim: int, decode: Decode) -> Picture:
    """What the decoder draws from codes of the standard normal, as a variational code is meant to be."""
    drawn = np.random.default_rng(0).standard_normal((_SAMPLES, code_dim)).astype(np.float32)
    return build_sheet(decode(drawn), _SAMPLE_COLUMNS, "Digits decoded from standard normal codes")


def judge_units(codes: Floats) -> str:
    """What the number of dead units means, in a sentence."""
    dead, width = count_dead_units(codes), codes.shape[1]
    if dead == 0:
        return "Here every unit lives."
    if dead == width:
        return f"Here all {width} are dead: the decoder draws the same picture of every digit."
    return f"Here {dead} of {width} are dead."


def render_units(codes: Floats) -> Markup:
    """How much each unit moves, the liveliest first."""
    spreads = np.sort(codes.std(axis=0, dtype=np.float64))[::-1]
    dead = count_dead_units(codes)
    alt = f"Standard deviation of the {len(spreads)} units of the code over the test digits; {dead} do not move"
    return render_chart(alt, partial(_paint_units, spreads=spreads, dead=dead), WIDE)


def _paint_units(axes: Axes, spreads: Doubles, dead: int) -> None:
    places = np.arange(1, len(spreads) + 1)
    axes.bar(places, spreads, width=0.8, color=BLUE)
    if dead:
        axes.plot(places[-dead:], np.zeros(dead), "x", color=RED, ms=6, mew=2, clip_on=False)
        axes.annotate(
            f"{dead} dead", (places[-dead:].mean(), 0), xytext=(0, 9), textcoords="offset points", ha="center",
            color=RED, fontweight="bold", gid=HALO,
        )  # fmt: skip
    axes.set_ylim(0, 1.05 * spreads[0] or 1)
    axes.set_xlim(0.3, max(len(spreads), _FEWEST_BARS) + 0.7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="x", visible=False)
    axes.set_xlabel("units, the liveliest first")
    axes.set_ylabel("standard deviation")
