"""Layers whose answer for a row does not depend on the rows beside it, to the last bit; know no network."""

from typing import Any

import keras
import numpy as np
from keras import layers

SIDE = 28
# Large enough that the features of a blank image, which hardly vary, are not blown up into noise.
_NORM_EPSILON = 1e-3


class LayerSeeds:
    """A seed for each layer of a network, all decided by the network's own; no global random state is involved."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def draw(self) -> int:
        """The next layer's seed, 0 .. 2**31 - 1."""
        return int(self._random.integers(2**31))


class RowNormalization(layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Layer normalization whose answer for a row is the same to the last bit in every batch.

    TensorFlow takes inverse roots of whole vector registers and of the odd rest by other instructions, with other last
    bits. Keras' own layer takes one for each row, so a row's bits depend on its place in the batch; here every row
    fills registers of its own, as long as `features` is a multiple of 16.
    """

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make gain and offset of each feature."""
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(shape[-1],), initializer="zeros", name="beta")

    def call(self, features: Any) -> Any:
        """Shapes: float32 (n, features) -> the same, each row with mean 0 and variance 1 before the gain."""
        centred = features - keras.ops.mean(features, axis=-1, keepdims=True)
        variance = keras.ops.mean(keras.ops.square(centred), axis=-1, keepdims=True)
        epsilon = np.full(features.shape[-1], _NORM_EPSILON, np.float32)  # a vector: it widens the rows
        return centred * keras.ops.rsqrt(variance + epsilon) * self.gamma + self.beta


def normalize(features: Any) -> Any:
    """Row-wise layer normalization with a gain and an offset of its own."""
    return RowNormalization()(features)


def silu(features: Any) -> Any:
    """Sigmoid-weighted linear unit, x * sigmoid(x), of any shape.

    TensorFlow's own becomes another kernel, with other last bits, in a C++ session but not in a Python function.
    """
    return features * keras.ops.sigmoid(features)


def convolve(images: Any, channels: tuple[int, int], seeds: LayerSeeds) -> Any:
    """Two convolutions of stride 2, 4x4 and 3x3, then a row-wise normalization of all that they found.

    Shapes: symbolic (n, 28, 28) -> (n, 7 * 7 * channels[1]).
    """
    maps = layers.Reshape((SIDE, SIDE, 1))(images)
    for filters, size in zip(channels, (4, 3), strict=True):
        maps = layers.Conv2D(
            filters,
            size,
            strides=2,
            padding="same",
            activation=silu,
            kernel_initializer=keras.initializers.GlorotUniform(seeds.draw()),
        )(maps)
    return normalize(layers.Flatten()(maps))


def squash(codes: Any, pixels: Any) -> tuple[keras.Model, keras.Model]:
    """The two ends of a decoder whose pixels are squashed by a sigmoid.

    Args:
        codes: The decoder's input, a symbolic tensor (n, code_dim).
        pixels: The last layer before the sigmoid, symbolic, 784 numbers a row in any shape.

    Returns:
        codes -> pictures (n, 28, 28) in [0, 1], and codes -> what the sigmoid squashes, of the same shape.
    """
    logits = layers.Reshape((SIDE, SIDE))(pixels)
    pictures = layers.Activation("sigmoid")(logits)
    return keras.Model(codes, pictures, name="decoder"), keras.Model(codes, logits, name="logits")
