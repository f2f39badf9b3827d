"""What is done to the test digits to see them cleaned: the noises and their strengths, by name; knows no model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from training import corruption
from training.evaluation.figures import Images

# Each strength is the one that the bars name.
_NOISES: dict[str, Callable[[Any, Any], Any]] = {
    "gaussian_25": lambda images, seed: corruption.gaussian(images, 0.25, seed),
    "gaussian_50": lambda images, seed: corruption.gaussian(images, 0.5, seed),
    "salt_and_pepper_20": lambda images, seed: corruption.salt_and_pepper(images, 0.2, seed),
    "dropped_cells_25": lambda images, seed: corruption.dropped_cells(images, 0.25, seed),
    "blur_1px": lambda images, _: corruption.blur(images, 1.0),
    "block_14": lambda images, seed: corruption.erased_block(images, 14, seed),
}
NOISES = tuple(_NOISES)
# Training digits that something is tuned on get other draws than the test digits that it is measured on.
_TUNING = len(NOISES)


def add_noise(images: Images, name: str, seed: int, *, tuning: bool = False) -> Images:
    """Apply a noise to images and round, as a camera would deliver them: uint8 (n, 28, 28) -> the same.

    Args:
        images: Clean digits.
        name: One of `NOISES`.
        seed: Equal seeds give equal noise.
        tuning: Whether these are digits to tune on; they get other noise than the digits to measure on.
    """
    place = NOISES.index(name) + (_TUNING if tuning else 0)
    noisy = _NOISES[name](tf.cast(images, tf.float32) / 255.0, np.array([seed, place], np.int32))
    return np.asarray(np.rint(noisy.numpy() * 255.0), dtype=np.uint8)
