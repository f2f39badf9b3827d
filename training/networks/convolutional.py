"""Recipe -> convolutions down to 7x7 and transposed convolutions up again, the code between."""

from typing import Any

import keras
from keras import layers

from training.networks.autoencoder import Autoencoder
from training.networks.layers import SIDE, LayerSeeds, convolve, silu, squash
from training.recipes.base import ConvNetwork

_SMALL_SIDE = SIDE // 4


def build_conv(network: ConvNetwork, seed: int) -> Autoencoder:
    """A fresh convolutional network; see `training.networks.build.build_autoencoder`."""
    return _Builder(network, LayerSeeds(seed)).build()


class _Builder:
    """Builds one convolutional network; holds the seeds of its layers."""

    def __init__(self, network: ConvNetwork, seeds: LayerSeeds) -> None:
        self._network = network
        self._seeds = seeds

    def build(self) -> Autoencoder:
        encoder = self._build_encoder()
        decoder, logits = self._build_decoder()
        return Autoencoder(encoder, decoder, self._network.code_dim, logits)

    def _build_encoder(self) -> keras.Model:
        images = keras.Input((SIDE, SIDE), name="images")
        features = convolve(images, self._network.channels, self._seeds)
        features = self._dense(self._network.hidden, silu)(features)
        return keras.Model(images, self._dense(self._network.code_dim)(features), name="encoder")

    def _build_decoder(self) -> tuple[keras.Model, keras.Model]:
        large, small = self._network.channels
        codes = keras.Input((self._network.code_dim,), name="codes")
        features = self._dense(self._network.hidden, silu)(codes)
        features = self._dense(_SMALL_SIDE * _SMALL_SIDE * small, silu)(features)
        maps = layers.Reshape((_SMALL_SIDE, _SMALL_SIDE, small))(features)
        return squash(codes, self._enlarge(1)(self._enlarge(large, silu)(maps)))

    def _enlarge(self, channels: int, activation: Any = None) -> Any:
        """Transposed convolution of 4x4, stride 2: every pixel gets as many contributions, so no checkerboard."""
        return layers.Conv2DTranspose(
            channels, 4, strides=2, padding="same", activation=activation, kernel_initializer=self._kernel_initializer()
        )

    def _dense(self, units: int, activation: Any = None) -> Any:
        return layers.Dense(units, activation=activation, kernel_initializer=self._kernel_initializer())

    def _kernel_initializer(self) -> Any:
        return keras.initializers.GlorotUniform(self._seeds.draw())
