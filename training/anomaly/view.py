"""A batch of images and all that an autoencoder makes of it: what scores and signatures are computed from."""

from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

if TYPE_CHECKING:
    from training.networks.autoencoder import Autoencoder


class View(NamedTuple):
    """A batch of images and all that the autoencoder makes of it.

    Attributes:
        pixels: The images scaled to [0, 1], float32 (n, 28, 28).
        codes: float32 (n, code_dim).
        pictures: The decoder's pictures in [0, 1], not yet rounded, float32 (n, 28, 28).
        reconstructions: The same as callers get them, uint8 (n, 28, 28).
        errors: Mean squared difference between images and reconstructions, float32 (n,); exact to the last
            bit, because the squares are summed as integers.
    """

    pixels: tf.Tensor
    codes: tf.Tensor
    pictures: tf.Tensor
    reconstructions: tf.Tensor
    errors: tf.Tensor


def scale_pixels(images: tf.Tensor) -> tf.Tensor:
    """Scale grey levels to what the encoder reads: uint8 (n, 28, 28) -> float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255.0


def round_pixels(pictures: tf.Tensor) -> tf.Tensor:
    """Round pictures to grey levels: float32 (n, 28, 28) in [0, 1] -> uint8; values outside are cut off."""
    return tf.saturate_cast(tf.round(pictures * 255.0), tf.uint8)


def build_view(autoencoder: "Autoencoder", images: tf.Tensor) -> View:
    """Run the autoencoder on uint8 images (n, 28, 28)."""
    pixels = scale_pixels(images)
    codes = autoencoder.encoder(pixels, training=False)
    pictures = autoencoder.decoder(codes, training=False)
    reconstructions = round_pixels(pictures)
    difference = tf.cast(images, tf.int32) - tf.cast(reconstructions, tf.int32)
    squares = tf.reduce_sum(difference * difference, axis=(1, 2))
    errors = tf.cast(squares, tf.float32) / (784 * 255.0**2)
    return View(pixels, codes, pictures, reconstructions, errors)
