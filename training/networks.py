"""Recipe -> Keras models: an encoder and a decoder; knows no data and no loss."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from training.recipes.base import ConvStem, NetworkConfig, ResidualNetwork

SIDE = 28
# Large enough that the features of a blank image, which hardly vary, are not blown up into noise.
_NORM_EPSILON = 1e-3


@dataclass(frozen=True)
class Autoencoder:
    """The two halves of a model.

    Attributes:
        encoder: float32 images (n, 28, 28) in [0, 1] -> codes float32 (n, code_dim).
        decoder: codes -> float32 images (n, 28, 28) in [0, 1].
        code_dim: Width of the code.
    """

    encoder: keras.Model
    decoder: keras.Model
    code_dim: int

    def __call__(self, images: Any, *, training: bool = False) -> Any:
        """Reconstructions of images: float32 (n, 28, 28) in [0, 1] -> the same."""
        return self.decoder(self.encoder(images, training=training), training=training)

    def weights(self) -> list[Any]:
        """Every trainable variable, the encoder's first, always in the same order."""
        return [variable.value for model in (self.encoder, self.decoder) for variable in model.trainable_variables]

    def count_parameters(self) -> int:
        """How many numbers a fit adjusts."""
        return sum(int(np.prod(weight.shape)) for weight in self.weights())


def build_autoencoder(network: NetworkConfig, seed: int) -> Autoencoder:
    """A fresh model; the same network and seed give the same initial weights.

    Args:
        network: What to build.
        seed: >= 0; no global random state is read or changed.
    """
    return _Builder(network, np.random.default_rng(seed)).build()


class _Builder:
    """Builds one residual network; holds the generator from which every layer draws its own seed."""

    def __init__(self, network: ResidualNetwork, random: np.random.Generator) -> None:
        self._network = network
        self._random = random

    def build(self) -> Autoencoder:
        encoder = self._build_encoder()
        return Autoencoder(encoder, self._build_decoder(), self._network.code_dim)

    def _build_encoder(self) -> Any:
        images = keras.Input((SIDE, SIDE), name="images")
        trunk = self._dense(self._network.width)(self._stem(images))
        for _ in range(self._network.encoder_blocks):
            trunk = self._block(trunk)
        return keras.Model(images, self._dense(self._network.code_dim)(_norm(trunk)), name="encoder")

    def _build_decoder(self) -> Any:
        codes = keras.Input((self._network.code_dim,), name="codes")
        trunk = self._dense(self._network.width)(codes)
        for _ in range(self._network.decoder_blocks):
            trunk = self._block(trunk)
        trunk = _norm(trunk)
        if self._network.last_hidden is not None:
            trunk = self._dense(self._network.last_hidden, silu)(trunk)
        pixels = self._dense(SIDE * SIDE, "sigmoid")(trunk)
        return keras.Model(codes, layers.Reshape((SIDE, SIDE))(pixels), name="decoder")

    def _stem(self, images: Any) -> Any:
        if self._network.stem is None:
            return layers.Flatten()(images)
        return self._conv_stem(images, self._network.stem)

    def _conv_stem(self, images: Any, stem: ConvStem) -> Any:
        maps = layers.Reshape((SIDE, SIDE, 1))(images)
        for channels, size in zip(stem.channels, (4, 3), strict=True):
            maps = layers.Conv2D(
                channels,
                size,
                strides=2,
                padding="same",
                activation=silu,
                kernel_initializer=keras.initializers.GlorotUniform(self._seed()),
            )(maps)
        return _norm(layers.Flatten()(maps))

    def _block(self, trunk: Any) -> Any:
        """Pre-norm residual block; its small last layer lets it start close to the identity."""
        branch = self._dense(self._network.hidden, silu, keras.initializers.HeNormal(self._seed()))(_norm(trunk))
        small = keras.initializers.VarianceScaling(0.2, seed=self._seed())
        return layers.Add()([trunk, self._dense(self._network.width, None, small)(branch)])

    def _dense(self, units: int, activation: Any = None, initializer: Any = None) -> Any:
        kernel = initializer or keras.initializers.GlorotUniform(self._seed())
        return layers.Dense(units, activation=activation, kernel_initializer=kernel)

    def _seed(self) -> int:
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


def silu(features: Any) -> Any:
    """Sigmoid-weighted linear unit, x * sigmoid(x), of any shape.

    TensorFlow's own becomes another kernel, with other last bits, in a C++ session but not in a Python function.
    """
    return features * keras.ops.sigmoid(features)


def _norm(features: Any) -> Any:
    return RowNormalization()(features)
