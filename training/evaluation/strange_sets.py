"""The ten sets of images that are no clean digits, made from clean ones and a seed; knows no model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

# Rotated by a quarter turn these still look like digits.
_TURN_PROOF = (0, 1, 8)
# Upside down these are no digits any more.
_FLIP_SENSITIVE = (2, 4, 5, 6, 7, 9)
# The sets that choose by class.
_BY_CLASS = ("rotated_no_018", "flipped")
# Sensor noise of an empty page, in grey levels: sd 0.004 of the range [0, 1].
_BLANK_NOISE_SD = 0.004 * 255


@dataclass(frozen=True)
class StrangeSets:
    """What could be made, and what could not.

    Attributes:
        images: uint8 (n, 28, 28) by set name.
        left_out: Why a set is missing, by set name.
    """

    images: dict[str, Images]
    left_out: dict[str, str]


def build_strange_sets(images: Images, labels: Labels | None, fashion: Images | None, seed: int = 0) -> StrangeSets:
    """Make every set that the material allows.

    Args:
        images: Clean digits, uint8 (n, 28, 28), n >= 1.
        labels: Their classes, (n,), or None; without them the two sets that choose by class are left out.
        fashion: Pictures of something else, uint8 (m, 28, 28), or None.
        seed: Equal seeds give equal sets.
    """
    made = dict(_from_images(images, seed))
    left_out: dict[str, str] = {}
    if fashion is None:
        left_out["fashion"] = "no pictures of clothes were given"
    else:
        made = {"fashion": fashion, **made}
    if labels is None:
        left_out |= dict.fromkeys(_BY_CLASS, "the digits carry no labels")
    else:
        by_class = _from_classes(images, labels)
        made |= {name: chosen for name, chosen in by_class.items() if len(chosen)}
        left_out |= {name: "no digit is of a fitting class" for name, chosen in by_class.items() if not len(chosen)}
    return StrangeSets(images=made, left_out=left_out)


def _from_images(images: Images, seed: int) -> Iterator[tuple[str, Images]]:
    """The sets that need nothing but digits; each has a generator of its own, so that none moves another."""
    makers: dict[str, Callable[[Images, np.random.Generator], Images]] = {
        "uniform": _make_uniform,
        "inverted": lambda digits, _: 255 - digits,
        "permuted": _permute,
        "rotated": lambda digits, _: _rotate(digits),
        "blank": _make_blank,
        "overlaid": _overlay,
        "half_erased": _erase_upper_half,
    }
    for place, (name, make) in enumerate(makers.items()):
        yield name, make(images, np.random.default_rng([seed, place]))


def _from_classes(images: Images, labels: Labels) -> dict[str, Images]:
    """The sets that choose by class; one may be empty."""
    turned = _rotate(images[~np.isin(labels, _TURN_PROOF)])
    flipped = np.ascontiguousarray(images[np.isin(labels, _FLIP_SENSITIVE)][:, ::-1])
    return dict(zip(_BY_CLASS, (turned, flipped), strict=True))


def _make_uniform(images: Images, generator: np.random.Generator) -> Images:
    return generator.integers(0, 256, images.shape, dtype=np.uint8)


def _permute(images: Images, generator: np.random.Generator) -> Images:
    """The same pixels in one new order: every histogram stays, every shape goes."""
    order = generator.permutation(28 * 28)
    return images.reshape(-1, 28 * 28)[:, order].reshape(images.shape)


def _rotate(images: Images) -> Images:
    return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))


def _make_blank(images: Images, generator: np.random.Generator) -> Images:
    """Half exact zeros, half faint noise: an empty field as a form and as a camera give it."""
    noise = np.rint(generator.normal(0, _BLANK_NOISE_SD, images.shape)).clip(0, 255).astype(np.uint8)
    noise[: len(images) // 2] = 0
    return noise


def _overlay(images: Images, generator: np.random.Generator) -> Images:
    """Each digit with another one on top; a shift of a shuffled row never meets itself."""
    order = generator.permutation(len(images))
    partner = np.empty_like(order)
    partner[order] = np.roll(order, 1)
    return np.maximum(images, images[partner])


def _erase_upper_half(images: Images, _generator: np.random.Generator) -> Images:
    erased = images.copy()
    erased[:, :14] = 0
    return erased
