"""Writes a fit down for TensorBoard: losses, watched error, step size, and pictures; decides nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.networks.autoencoder import Autoencoder

Images = NDArray[np.uint8]

# Enough to see every class, few enough to look at.
_PICTURES = 16


class Journal:
    """The event files of one fit.

    Attributes:
        images: A few watched images, float32 (k, 28, 28) in [0, 1].
        noisy: The same as the network gets them.
    """

    def __init__(self, folder: Path, watched: Images, corrupt: Any) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))
        self.images = tf.constant(watched[:_PICTURES], tf.float32) / 255
        self.noisy = corrupt(self.images)

    def note_look(self, model: Autoencoder, step: int, *, loss: float, watched_error: float, rate: float) -> None:
        """Write one look down; `model` has the averaged weights."""
        with self._writer.as_default(step=step):
            tf.summary.scalar("loss", loss)
            tf.summary.scalar("watched_error", watched_error)
            tf.summary.scalar("learning_rate", rate)
            rows = tf.concat([self.images, self.noisy, model(self.noisy)], axis=1)
            pictures = tf.clip_by_value(rows, 0.0, 1.0)[..., tf.newaxis]
            tf.summary.image("clean, as it comes, reconstructed", pictures, max_outputs=_PICTURES)
        self._writer.flush()

    def close(self) -> None:
        """Finish the files."""
        self._writer.close()
