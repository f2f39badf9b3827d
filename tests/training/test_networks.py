"""Networks: shapes, ranges, and the same weights for the same seed."""

import dataclasses

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.networks.build import build_autoencoder  # noqa: E402  # needs TensorFlow
from training.recipes import find_recipe  # noqa: E402  # beside the import above
from training.recipes.base import ConvStem, ResidualNetwork  # noqa: E402  # beside the import above

SMALL = ResidualNetwork(code_dim=5, width=16, hidden=24, encoder_blocks=1, decoder_blocks=2)
NETWORKS = {
    "dense": SMALL,
    "conv stem": dataclasses.replace(SMALL, stem=ConvStem((4, 8))),
    "last hidden": dataclasses.replace(SMALL, last_hidden=32),
    "no blocks": dataclasses.replace(SMALL, encoder_blocks=0, decoder_blocks=0),
}


@pytest.fixture(params=sorted(NETWORKS))
def network(request: pytest.FixtureRequest) -> ResidualNetwork:
    """Each shape of network in turn."""
    return NETWORKS[request.param]


def test_halves_have_the_shapes_of_the_contract(network: ResidualNetwork) -> None:
    """Any number of images gives codes, any codes give pictures between 0 and 1."""
    model = build_autoencoder(network, seed=0)
    for count in (1, 3):
        codes = model.encoder(np.random.default_rng(0).random((count, 28, 28), np.float32))
        pictures = model.decoder(100 * codes).numpy()

        assert (count, 5) == tuple(codes.shape)
        assert (count, 28, 28) == pictures.shape
        assert 0 <= pictures.min() <= pictures.max() <= 1


def test_seed_decides_the_weights(network: ResidualNetwork) -> None:
    """Equal seeds give equal weights, other seeds others, whatever the global random state."""
    one = build_autoencoder(network, seed=1).weights()
    tf.random.set_seed(99)
    same, other = build_autoencoder(network, seed=1).weights(), build_autoencoder(network, seed=2).weights()

    assert all(np.array_equal(left, right) for left, right in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_no_two_layers_start_alike() -> None:
    """Each layer draws a seed of its own: the decoder's two blocks differ."""
    matrices = [weight.numpy() for weight in build_autoencoder(SMALL, seed=0).weights() if weight.shape == (16, 24)]

    assert 3 == len(matrices)
    assert 3 == len({matrix.tobytes() for matrix in matrices})


def test_default_recipe_stays_under_a_million_parameters() -> None:
    """The exported default model has to stay below 4 MB."""
    model = build_autoencoder(find_recipe("denoising-32").network, seed=0)

    assert 32 == model.code_dim
    assert model.count_parameters() < 1_000_000
