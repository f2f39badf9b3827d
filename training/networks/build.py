"""Recipe -> the builder of its kind of network."""

from typing import assert_never

from training.networks.autoencoder import Autoencoder
from training.networks.convolutional import build_conv
from training.networks.dense import build_dense
from training.networks.residual import build_residual
from training.recipes.base import ConvNetwork, DenseNetwork, NetworkConfig, ResidualNetwork


def build_autoencoder(network: NetworkConfig, seed: int) -> Autoencoder:
    """A fresh model; the same network and seed give the same initial weights.

    Args:
        network: What to build.
        seed: >= 0; no global random state is read or changed.
    """
    match network:
        case ResidualNetwork():
            return build_residual(network, seed)
        case DenseNetwork():
            return build_dense(network, seed)
        case ConvNetwork():
            return build_conv(network, seed)
        case _:
            assert_never(network)
