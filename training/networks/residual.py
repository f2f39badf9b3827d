"""Recipe -> a trunk of residual blocks on either side of the code."""

from typing import Any

import keras
from keras import layers

from training.networks.autoencoder import Autoencoder
from training.networks.layers import SIDE, LayerSeeds, convolve, normalize, silu, squash
from training.recipes.base import ResidualNetwork


def build_residual(network: ResidualNetwork, seed: int) -> Autoencoder:
    """A fresh residual network; see `training.networks.build.build_autoencoder`."""
    return _Builder(network, LayerSeeds(seed)).build()


class _Builder:
    """Builds one residual network; holds the seeds of its layers."""

    def __init__(self, network: ResidualNetwork, seeds: LayerSeeds) -> None:
        self._network = network
        self._seeds = seeds

    def build(self) -> Autoencoder:
        encoder, posterior = self._build_encoder()
        decoder, logits = self._build_decoder()
        return Autoencoder(encoder, decoder, self._network.code_dim, logits, posterior)

    def _build_encoder(self) -> tuple[keras.Model, keras.Model | None]:
        images = keras.Input((SIDE, SIDE), name="images")
        trunk = self._dense(self._network.width)(self._stem(images))
        for _ in range(self._network.encoder_blocks):
            trunk = self._block(trunk)
        trunk = normalize(trunk)
        codes = self._dense(self._network.code_dim, self._network.code_activation)(trunk)
        encoder = keras.Model(images, codes, name="encoder")
        if not self._network.variational:
            return encoder, None
        return encoder, keras.Model(images, [codes, self._dense(self._network.code_dim)(trunk)], name="posterior")

    def _build_decoder(self) -> tuple[keras.Model, keras.Model]:
        codes = keras.Input((self._network.code_dim,), name="codes")
        trunk = self._dense(self._network.width)(codes)
        for _ in range(self._network.decoder_blocks):
            trunk = self._block(trunk)
        trunk = normalize(trunk)
        if self._network.last_hidden is not None:
            trunk = self._dense(self._network.last_hidden, silu)(trunk)
        return squash(codes, self._dense(SIDE * SIDE)(trunk))

    def _stem(self, images: Any) -> Any:
        if self._network.stem is None:
            return layers.Flatten()(images)
        return convolve(images, self._network.stem.channels, self._seeds)

    def _block(self, trunk: Any) -> Any:
        """Pre-norm residual block; its small last layer lets it start close to the identity."""
        wide = keras.initializers.HeNormal(self._seeds.draw())
        branch = self._dense(self._network.hidden, silu, wide)(normalize(trunk))
        small = keras.initializers.VarianceScaling(0.2, seed=self._seeds.draw())
        return layers.Add()([trunk, self._dense(self._network.width, None, small)(branch)])

    def _dense(self, units: int, activation: Any = None, initializer: Any = None) -> Any:
        kernel = initializer or keras.initializers.GlorotUniform(self._seeds.draw())
        return layers.Dense(units, activation=activation, kernel_initializer=kernel)
