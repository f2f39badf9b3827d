"""The sample images of the README and the docs, drawn by hand and by seed: `python -m docs.samples` writes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

FOLDER = Path(__file__).with_name("samples")

Picture = NDArray[np.uint8]
Strokes = Sequence[Sequence[tuple[float, float]]]

# Pen strokes on the 28x28 grid, (column, row).
_SEVEN: Strokes = [[(7.5, 8.5), (12, 8), (19.5, 7.5), (17, 12), (14.5, 17), (12.5, 22)]]
_SCRIBBLE: Strokes = [[(3, 5), (24, 9), (4, 14), (23, 18), (5, 24), (20, 3), (9, 25), (25, 25)]]
_PEN_WIDTH = 2.4
_OVERSAMPLING = 16


def draw_samples() -> dict[str, Picture]:
    """Name -> uint8 (28, 28): a clean digit, the same one noisy, and something that is no digit."""
    seven = draw_strokes(_SEVEN)
    return {"seven": seven, "noisy": add_noise(seven, sigma=0.3, seed=7), "scribble": draw_strokes(_SCRIBBLE)}


def draw_strokes(strokes: Strokes) -> Picture:
    """Strokes of a round pen, smoothed as a scanner would; uint8 (28, 28), bright on dark."""
    large = Image.new("L", (28 * _OVERSAMPLING, 28 * _OVERSAMPLING))
    pen = ImageDraw.Draw(large)
    radius = _PEN_WIDTH * _OVERSAMPLING / 2
    for stroke in strokes:
        points = [(x * _OVERSAMPLING, y * _OVERSAMPLING) for x, y in stroke]
        pen.line(points, fill=255, width=round(2 * radius))
        for x, y in points:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(large.resize((28, 28), Image.Resampling.BOX))


def add_noise(picture: Picture, *, sigma: float, seed: int) -> Picture:
    """Gaussian noise of standard deviation `sigma` (pixels in [0, 1]), clipped."""
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.rint(np.clip(picture / 255 + noise, 0, 1) * 255).astype(np.uint8)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, picture in draw_samples().items():
        Image.fromarray(picture).save(FOLDER / f"{name}.png", optimize=True)
