"""Layers whose answer for a row does not depend on the rows beside it, to the last bit; know no network."""

from typing import Any

import keras
import numpy as np
from keras import layers

SIDE = 28
# Large enough that the features of a blank image, which hardly vary, are not blown up into noise.
_NORM_EPSILON = 1e-3


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


def silu(features: Any) -> Any:
    """Sigmoid-weighted linear unit, x * sigmoid(x), of any shape.

    TensorFlow's own becomes another kernel, with other last bits, in a C++ session but not in a Python function.
    """
    return features * keras.ops.sigmoid(features)


def squash(codes: Any, pixels: Any) -> tuple[keras.Model, keras.Model]:
    """The two ends of a decoder whose pixels are squashed by a sigmoid.

    Args:
        codes: The decoder's input, a symbolic tensor (n, code_dim).
        pixels: The last layer before the sigmoid, symbolic, (n, 784).

    Returns:
        codes -> pictures (n, 28, 28) in [0, 1], and codes -> what the sigmoid squashes, of the same shape.
    """
    logits = layers.Reshape((SIDE, SIDE))(pixels)
    pictures = layers.Activation("sigmoid")(logits)
    return keras.Model(codes, pictures, name="decoder"), keras.Model(codes, logits, name="logits")
