"""The sample images of the playground, drawn by hand: `python -m docs.playground_samples` writes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from docs.samples import Picture, Strokes, add_noise, draw_samples, draw_strokes

FOLDER = Path(__file__).resolve().parents[1] / "service" / "web" / "samples"

_Point = tuple[float, float]

# Points that a pen passes on the 28x28 grid, (column, row); a smooth curve joins those of a stroke.
_CURVES: dict[str, Strokes] = {
    "zero": [[(14.5, 5.5), (10, 9), (8.8, 15), (11, 21), (15, 22.5), (18.8, 18), (19, 11), (16.5, 6.5), (14, 5.6)]],
    "one": [[(15.5, 5), (14.5, 10), (13.5, 16), (12.5, 23)]],
    "two": [
        [(8.5, 10), (11, 6.3), (15.5, 5.8), (18, 9), (16, 14), (11.5, 18.5), (8.3, 22)],
        [(8.3, 22), (13.5, 21.5), (20, 22)],
    ],
    "three": [
        [(9, 7.3), (13, 5.4), (17.5, 7), (16.8, 11), (12.7, 13.3)],
        [(12.7, 13.3), (17.7, 14.6), (18.6, 18.6), (14.5, 22.4), (8.8, 21.4)],
    ],
    "four": [
        [(10.5, 6), (9.3, 10.3), (8.5, 14.5)],
        [(8.5, 14.5), (13.5, 15), (19.5, 14.3)],
        [(18, 6), (17, 14), (15.5, 23)],
    ],
    "five": [
        [(18.5, 6), (14, 6.2), (10.5, 6.5)],
        [(10.5, 6.5), (10, 9.5), (9.5, 12.5)],
        [(9.5, 12.5), (14, 11.6), (18, 14.5), (17.5, 19.5), (13.5, 22.3), (8.6, 20.8)],
    ],
    "six": [
        [(16.5, 5), (11.8, 9.5), (9.5, 16), (11.3, 21.5), (15.6, 22), (18, 18.3), (15.7, 14.8), (11.5, 16), (10, 18.5)],
    ],
    "eight": [
        [(17.5, 7.2), (13, 5.4), (10.8, 8.8), (14, 12.7), (17.3, 17), (15.8, 22)],
        [(15.8, 22), (11.4, 21.8), (10.6, 17.5), (14.5, 12.6), (17.9, 9.5), (17.5, 7.2)],
    ],
    "nine": [[(17.5, 8.5), (14, 6), (10.3, 8.7), (10.7, 12.8), (14.6, 13.3), (17.7, 9), (17.3, 15), (15.5, 22.5)]],
    "letter": [
        [(7, 23), (10.5, 14), (14, 5)],
        [(14, 5), (17.5, 14), (21, 23)],
        [(9.5, 16.5), (14, 16.5), (18.5, 16.5)],
    ],
}
_STEPS = 12


def draw_playground_samples() -> dict[str, Picture]:
    """Name -> uint8 (28, 28): the ten digits, a noisy one, and two pictures that are none."""
    curves = {name: draw_strokes([smooth(stroke) for stroke in strokes]) for name, strokes in _CURVES.items()}
    given = draw_samples()
    noisy = add_noise(curves["three"], sigma=0.3, seed=3)
    return {**curves, "seven": given["seven"], "noisy": noisy, "scribble": given["scribble"]}


def smooth(points: Sequence[_Point]) -> list[_Point]:
    """A Catmull-Rom curve through the points (Catmull and Rom, 1974)."""
    padded = np.array([points[0], *points, points[-1]])
    share = np.linspace(0, 1, _STEPS)[:, np.newaxis]
    curve: list[_Point] = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        bend = 2 * before - 5 * start + 4 * end - after
        twist = -before + 3 * start - 3 * end + after
        places = (2 * start + (end - before) * share + bend * share**2 + twist * share**3) / 2
        curve += [(float(x), float(y)) for x, y in places]
    return curve


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, picture in draw_playground_samples().items():
        Image.fromarray(picture).save(FOLDER / f"{name}.png", optimize=True)
