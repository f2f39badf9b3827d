"""An order of images that comes from their pixels alone, and when a given order must give way to it."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from training.data.readers import Images, Labels

# The last twelfth of MNIST is held out, the last fifth of what is small.
_LAST_PARTS = (12, 5)
# Images drawn by chance are further away than this many times the classes once in fifty; to mix those harms nothing.
_CHANCE_DISTANCE = 2
# For each image: a drift too small to harm a calibration. MNIST's own last parts are nearer than chance alone allows.
_HARMLESS_DISTANCE = 0.05


def order_by_content(images: Images) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A place in [0, 1) for each image, from a hash of its pixels, ascending; and the images' order by it.

    Shapes: (n, 28, 28) -> (n,), (n,).
    """
    digests = [hashlib.sha256(image.tobytes()).digest() for image in images]
    places = np.array([int.from_bytes(digest[:6]) / 2**48 for digest in digests])
    order = np.argsort(places, kind="stable")
    return places[order], order


def mix_if_ordered(images: Images, labels: Labels | None) -> tuple[Images, Labels | None]:
    """Reorder images whose last ones, to be held out, show other digits than the whole; else all might be nines."""
    if labels is None or not any(_is_far(labels, len(labels) // part) for part in _LAST_PARTS):
        return images, labels
    _, order = order_by_content(images)
    return images[order], labels[order]


def _is_far(labels: Labels, last: int) -> bool:
    """True where the classes of the last labels are further from the whole's than chance and a small drift go."""
    if not last:
        return False
    classes, places = np.unique(labels, return_inverse=True)
    expected = np.bincount(places) * (last / len(labels))
    distance = np.sum(np.square(np.bincount(places[-last:], minlength=len(classes)) - expected) / expected)
    return bool(distance > _CHANCE_DISTANCE * len(classes) + _HARMLESS_DISTANCE * last)
