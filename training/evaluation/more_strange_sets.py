"""More sets of images that are no clean digits, beside the ten of the model card; knows no model."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw
from skimage.filters import gaussian

from training.evaluation.figures import Images

_SIDE = 28
# A digit half as high, and one that fills the field: MNIST draws them 20 pixels high.
_SCALED_SIDES = (14, 38)
# Out of the middle as far as most digits go without losing ink: they leave a margin of 4 to 5 pixels.
_SHIFT = 5
# Twice the one-pixel blur that a denoiser is measured on, beyond what it is trained on.
_BLUR_SD = 2.0
# Photons that a white pixel catches on average: its brightness then varies by 45 %.
_PHOTONS = 5
_STROKES = 3
# Drawn this many times as large and then reduced, so that edges are grey as in scanned ink.
_OVERSIZE = 4
_PEN_WIDTH = 10


def build_more_strange_sets(images: Images, seed: int = 0) -> dict[str, Images]:
    """Make every set, by name.

    Args:
        images: Clean digits, uint8 (n, 28, 28), n >= 1.
        seed: Equal seeds give equal sets; each set has draws of its own, so that none moves another.

    Returns:
        `scaled` to half the size or to the whole field, `translated` by 5 pixels along both axes, `blurred` by 2
        pixels, `shot_noise` of a dark camera, and `strokes`: scribbles without a digit; uint8 (n, 28, 28) each.
    """
    makers: dict[str, Callable[[Images, np.random.Generator], Images]] = {
        "scaled": _scale,
        "translated": _translate,
        "blurred": _blur,
        "shot_noise": _add_shot_noise,
        "strokes": _scribble,
    }
    # Three numbers: the ten sets draw from two, so no set here repeats their draws.
    return {
        name: make(images, np.random.default_rng([seed, place, 1])) for place, (name, make) in enumerate(makers.items())
    }


def _scale(images: Images, generator: np.random.Generator) -> Images:
    sides = generator.choice(_SCALED_SIDES, len(images))
    return np.stack([_resize(image, int(side)) for image, side in zip(images, sides, strict=True)])


def _resize(image: Images, side: int) -> Images:
    """The picture `side` pixels wide, cut or padded to 28 about its centre."""
    resized = Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR)
    margin = (side - _SIDE) // 2
    return np.asarray(resized.crop((margin, margin, margin + _SIDE, margin + _SIDE)))


def _translate(images: Images, generator: np.random.Generator) -> Images:
    """What is pushed over the edge is lost; what comes in is background."""
    padded = np.pad(images, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT)))
    corners = generator.choice((0, 2 * _SHIFT), (len(images), 2))
    return np.stack(
        [
            picture[row : row + _SIDE, column : column + _SIDE]
            for picture, (row, column) in zip(padded, corners, strict=True)
        ]
    )


def _blur(images: Images, _: np.random.Generator) -> Images:
    blurred = gaussian(images, sigma=(0, _BLUR_SD, _BLUR_SD), preserve_range=True)
    return np.asarray(np.rint(blurred), np.uint8)


def _add_shot_noise(images: Images, generator: np.random.Generator) -> Images:
    photons = generator.poisson(images * (_PHOTONS / 255))
    return np.asarray(np.rint(photons * (255 / _PHOTONS)).clip(0, 255), np.uint8)


def _scribble(images: Images, generator: np.random.Generator) -> Images:
    return np.stack([_draw_strokes(generator) for _ in images])


def _draw_strokes(generator: np.random.Generator) -> Images:
    """Straight strokes of a digit's width between points of the field in which digits lie."""
    side = _SIDE * _OVERSIZE
    page = Image.new("L", (side, side))
    pen = ImageDraw.Draw(page)
    for ends in generator.integers(side // 7, side - side // 7, (_STROKES, 4)):
        pen.line(tuple(int(end) for end in ends), fill=255, width=_PEN_WIDTH)
    return np.asarray(page.reduce(_OVERSIZE))
