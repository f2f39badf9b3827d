"""The house style of the study's pictures, and their writing; every picture is a PNG for a page on white."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from training.study import dying_text, page
from training.study.findings import Findings

# Sharp on a dense screen where a page shows it at half its size.
_DOTS_PER_INCH = 160
_INK, _MUTED, _RULE = "#1f2328", "#57606a", "#d8dee4"
_STYLE: Any = {
    "font.family": "DejaVu Sans",  # Matplotlib brings it, so pictures are the same on every machine
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": _RULE,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "legend.frameon": False,
}


def write_pictures(findings: Findings, folder: Path) -> None:
    """Draw what there is to draw, and write it into a folder, which is made if it is missing."""
    from training.study.dying_picture import paint_dying
    from training.study.recipes_picture import paint_recipes

    folder.mkdir(parents=True, exist_ok=True)
    cards = [outcome for outcome in findings.outcomes if outcome.card]
    (folder / page.PICTURE).write_bytes(
        draw((9.6, 5.4 + 0.27 * len(cards)), lambda figure: paint_recipes(figure, cards, findings.floor))
    )
    dying = findings.dying
    if dying is not None:
        (folder / dying_text.PICTURE).write_bytes(draw((9.6, 5.6), lambda figure: paint_dying(figure, dying)))


def draw(inches: tuple[float, float], paint: Callable[[Figure], None]) -> bytes:
    """A PNG of what `paint` puts on an empty figure; the same input gives the same bytes."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=inches, dpi=_DOTS_PER_INCH, layout="constrained")
        paint(figure)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", metadata={"Software": None})
    return drawn.getvalue()
