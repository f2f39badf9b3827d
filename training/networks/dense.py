"""Recipe -> dense layers down to the code, and their mirror image up to the pixels."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from training.networks.autoencoder import Autoencoder
from training.networks.layers import SIDE, LayerSeeds, squash
from training.recipes.base import Activation, DenseNetwork

_PIXELS = SIDE * SIDE


def build_dense(network: DenseNetwork, seed: int) -> Autoencoder:
    """A fresh dense network; see `training.networks.build.build_autoencoder`.

    Only pixels squashed by a sigmoid stay in [0, 1], and only they have `logits`. `leaky_relu` has Keras' slope, .2.
    """
    return _Builder(network, LayerSeeds(seed)).build()


class _Builder:
    """Builds one dense network; holds the seeds of its layers."""

    def __init__(self, network: DenseNetwork, seeds: LayerSeeds) -> None:
        self._network = network
        self._seeds = seeds

    def build(self) -> Autoencoder:
        encoder = self._build_encoder()
        decoder, logits = self._build_decoder()
        return Autoencoder(encoder, decoder, self._network.code_dim, logits)

    def _build_encoder(self) -> keras.Model:
        images = keras.Input((SIDE, SIDE), name="images")
        *hidden, code_dim = self._network.widths
        features = self._stack(layers.Flatten()(images), hidden)
        return keras.Model(images, self._dense(code_dim, self._network.code_activation)(features), name="encoder")

    def _build_decoder(self) -> tuple[keras.Model, keras.Model | None]:
        codes = keras.Input((self._network.code_dim,), name="codes")
        features = self._stack(codes, self._network.widths[-2::-1])
        if self._network.output_activation == "sigmoid":
            return squash(codes, self._dense(_PIXELS, "linear")(features))
        pixels = self._dense(_PIXELS, self._network.output_activation)(features)
        return keras.Model(codes, layers.Reshape((SIDE, SIDE))(pixels), name="decoder"), None

    def _stack(self, features: Any, widths: Sequence[int]) -> Any:
        for width in widths:
            features = self._dense(width, self._network.activation)(features)
        return features

    def _dense(self, units: int, activation: Activation) -> Any:
        return layers.Dense(
            units,
            activation=activation,
            kernel_initializer=self._kernel_initializer(),
            bias_initializer=keras.initializers.Constant(self._network.bias),
        )

    def _kernel_initializer(self) -> Any:
        seed = self._seeds.draw()
        match self._network.kernel_sd:
            case "he":
                return keras.initializers.HeNormal(seed)
            case "glorot":
                return keras.initializers.GlorotUniform(seed)
            case deviation:
                return keras.initializers.RandomNormal(stddev=deviation, seed=seed)
