"""Rows of digits beside their names, as one PNG; knows no model."""

from collections.abc import Sequence
from typing import TypeAlias

from matplotlib.figure import Figure

from training.data.readers import Images
from training.study.pictures import draw

# What stands beside a row, and its pictures.
Row: TypeAlias = tuple[str, Images]

_COLUMNS = 10
_DIGIT_INCHES = 0.58
_LABEL_INCHES = 1.9


def draw_sheet(rows: Sequence[Row]) -> bytes:
    """A PNG of all rows, each uint8 (n, 28, 28); more than ten pictures take several lines."""
    lines = [
        (label if first == 0 else "", images[first : first + _COLUMNS])
        for label, images in rows
        for first in range(0, len(images), _COLUMNS)
    ]
    inches = (_LABEL_INCHES + _COLUMNS * _DIGIT_INCHES, len(lines) * _DIGIT_INCHES)
    return draw(inches, lambda figure: _paint_lines(figure, lines))


def _paint_lines(figure: Figure, lines: Sequence[Row]) -> None:
    widths = [_LABEL_INCHES / _DIGIT_INCHES, *[1] * _COLUMNS]
    grid = figure.subplots(len(lines), 1 + _COLUMNS, squeeze=False, width_ratios=widths)
    for axes in grid.flat:
        axes.set_axis_off()
    for places, (label, images) in zip(grid, lines, strict=True):
        places[0].text(1, 0.5, label, ha="right", va="center", transform=places[0].transAxes)
        for axes, image in zip(places[1:], images, strict=False):
            axes.imshow(image, cmap="gray", vmin=0, vmax=255)
