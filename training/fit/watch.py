"""Watches a fit: the error on digits that it does not fit, and numbers that cannot be used."""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import TrainingError
from training.networks.autoencoder import Autoencoder

# Images in one forward pass over watched digits; more gains nothing and costs memory.
_WATCH_BATCH = 1000

Images = NDArray[np.uint8]


def build_watch(autoencoder: Autoencoder, images: Images) -> Callable[[], float]:
    """A function that computes the mean squared error over all of `images`, uint8 (n, 28, 28), as it is now."""
    summed = tf.function(
        lambda clean: tf.reduce_sum(tf.square(autoencoder(clean) - clean)),
        input_signature=[tf.TensorSpec((None, *images.shape[1:]), tf.float32)],
        autograph=False,
    )

    def watch() -> float:
        batches = (images[start : start + _WATCH_BATCH] for start in range(0, len(images), _WATCH_BATCH))
        return sum(float(summed(batch.astype(np.float32) / 255)) for batch in batches) / images.size

    return watch


def check_losses(losses: NDArray[np.float32], first: int) -> float:
    """The mean of some steps' losses, the first of which is step `first`, counted from 0.

    Raises:
        TrainingError: If one is NaN or infinite; names the step, counted from 1.
    """
    finite = np.isfinite(losses)
    if not finite.all():
        place = int(np.argmin(finite))
        raise TrainingError(
            f"the loss is {losses[place]} at step {first + place + 1}; try a lower learning rate in the recipe"
        )
    return float(losses.mean())


def check_watched(error: float, done: int) -> float:
    """The watched error after `done` steps, as it came.

    Raises:
        TrainingError: If it is NaN or infinite; the last step may break weights whose loss was still fine.
    """
    if not math.isfinite(error):
        raise TrainingError(f"the watched error is {error} after step {done}; try a lower learning rate in the recipe")
    return error
