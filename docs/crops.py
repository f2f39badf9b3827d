"""Writes crops to try a training on: `python -m docs.crops FOLDER`; scikit-learn's digits as a scan has them."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.small_digits import read_small_digits

_SIDES = (30, 90)  # pixels, drawn for each crop
_PAPER = (200, 250)
_GRAIN = 3.0  # standard deviation, in grey levels


def write_crops(folder: Path, count: int, seed: int = 0) -> None:
    """Write that many PNGs, dark on light and of uneven sizes, into folders named by their class."""
    images, labels = read_small_digits()
    random = np.random.default_rng(seed)
    for number, (image, label) in enumerate(zip(images[:count], labels[:count], strict=True)):
        target = folder / str(label)
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray(make_crop(image, random)).save(target / f"{number:04}.png")


def make_crop(image: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """A digit, uint8 (28, 28), bright on dark -> a crop of a scan, uint8 (side, side), dark on light with grain."""
    side = int(random.integers(*_SIDES))
    large = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)) / 255
    paper = random.integers(*_PAPER)
    scanned = paper - large * (paper - 40) + random.normal(0, _GRAIN, large.shape)
    return np.rint(np.clip(scanned, 0, 255)).astype(np.uint8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m docs.crops", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=600, help="most of them; there are 1,797 (default: %(default)s)")
    options = parser.parse_args()
    write_crops(options.folder, options.count)
