"""Draws the tutorial's pictures from what the fits left; fits nothing."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from docs.tutorial.fits import Found, clean_by_default_model
from docs.tutorial.sheets import Row, draw_sheet
from training.study.pictures import draw

_MAP_INCHES = (6.4, 4.2)
# Changes to the first article's recipe by name, and what the picture calls them.
_CHANGED = {
    "as-written": "as written",
    "slow": "rate 0.001",
    "linear": "linear code",
    "linear-sigmoid-he-adam": "linear code, sigmoid\noutput, He, Adam",
}


def draw_pictures(found: Mapping[str, Found], folder: Path) -> None:
    """Write every picture of the page into a folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in list_sheets(found):
        (folder / f"tutorial-{name}.png").write_bytes(draw_sheet(rows))
    (folder / "tutorial-map.png").write_bytes(draw(_MAP_INCHES, paint_map_of(found["fixed-2d"])))


def list_sheets(found: Mapping[str, Found]) -> Iterator[tuple[str, list[Row]]]:
    """Name and rows of each picture that shows digits."""
    any_fit = found["as-written"]
    digits, noisy = ("digits", any_fit.images), ("noisy digits", any_fit.noisy)
    yield "dead", [digits, *((label, found[name].reconstructions) for name, label in _CHANGED.items())]
    yield "wide", [digits, *((name, found[name].reconstructions) for name in ("single-32", "conv-32", "plain-32"))]
    yield (
        "noise",
        [
            noisy,
            ("plain-32", found["plain-32"].cleaned),
            ("denoising-32", clean_by_default_model(any_fit.noisy)),
        ],
    )
    yield "sparse", [(f"units of {name}", found[name].units) for name in ("single-32", "sparse-64")]
    yield "drawn", [(name, found[name].drawn) for name in ("plain-32", "vae-16")]


def paint_map_of(found: Found) -> Callable[[Figure], None]:
    """What paints the map of a two-wide code: where the digits of each class lie."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots(1, 1)
        first, second = found.codes.T
        axes.scatter(first, second, c=found.labels, s=5, cmap="tab10", linewidths=0)
        for label in np.unique(found.labels):
            across, up = np.median(found.codes[found.labels == label], axis=0)
            axes.text(across, up, str(label), ha="center", va="center", fontsize=13, fontweight="bold")
        axes.set_xlabel("first number of the code")
        axes.set_ylabel("second number")

    return paint
