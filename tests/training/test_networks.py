"""Networks: shapes, ranges, the same weights for the same seed, and answers that depend on one row alone."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from bench.sameness import is_exact_here  # noqa: E402  # beside the imports below
from training.anomaly.fitting import fit_statistic  # noqa: E402  # needs TensorFlow
from training.export.publish import build_probe  # noqa: E402  # beside the import above
from training.export.signatures import ServedCodec  # noqa: E402  # beside the import above
from training.export.verify import verify_version  # noqa: E402  # beside the import above
from training.networks.build import build_autoencoder  # noqa: E402  # beside the import above
from training.recipes import RECIPES, find_recipe  # noqa: E402  # beside the import above
from training.recipes.base import (  # noqa: E402  # beside the import above
    ConvNetwork,
    ConvStem,
    DenseNetwork,
    NetworkConfig,
    ResidualNetwork,
)
from training.recipes.size import count_parameters  # noqa: E402  # beside the import above

RESIDUAL = ResidualNetwork(code_dim=5, width=16, hidden=24, encoder_blocks=1, decoder_blocks=2)
DENSE = DenseNetwork((24, 5), "sigmoid", "linear", "sigmoid", kernel_sd=0.1, bias=0.0)
RELU = DenseNetwork((24, 10, 5), "relu", "relu", "relu", kernel_sd=0.1, bias=0.1)
CONV = ConvNetwork(code_dim=5, channels=(4, 8), hidden=16)
SQUASHED: dict[str, NetworkConfig] = {
    "conv": CONV,
    "dense": DENSE,
    "dense, code alone": dataclasses.replace(DENSE, widths=(5,), kernel_sd="glorot"),
    "residual": RESIDUAL,
    "residual, conv stem": dataclasses.replace(RESIDUAL, stem=ConvStem((4, 8))),
    "residual, last hidden": dataclasses.replace(RESIDUAL, last_hidden=32),
    "residual, no blocks": dataclasses.replace(RESIDUAL, encoder_blocks=0, decoder_blocks=0),
    "residual, relu code": dataclasses.replace(RESIDUAL, code_activation="relu"),
    "residual, variational": dataclasses.replace(RESIDUAL, variational=True),
}
NETWORKS: dict[str, NetworkConfig] = SQUASHED | {
    "dense, linear pixels": dataclasses.replace(RELU, code_activation="leaky_relu", output_activation="linear"),
    "dense, relu pixels": RELU,
}
Images = NDArray[np.float32]


@pytest.fixture(params=sorted(NETWORKS))
def network(request: pytest.FixtureRequest) -> NetworkConfig:
    """Each shape of network in turn."""
    return NETWORKS[request.param]


@pytest.fixture(params=sorted(SQUASHED))
def squashed(request: pytest.FixtureRequest) -> NetworkConfig:
    """Each shape of network whose pixels leave a sigmoid, in turn."""
    return SQUASHED[request.param]


@pytest.fixture
def images() -> Images:
    """64 pictures of noise."""
    return np.random.default_rng(0).random((64, 28, 28), np.float32)


def test_halves_have_the_shapes_of_the_contract(network: NetworkConfig, images: Images) -> None:
    """Any number of images gives codes, any codes give pictures."""
    model = build_autoencoder(network, seed=0)
    for count in (1, 3):
        codes = model.encoder(images[:count])
        pictures = model.decoder(codes)

        assert (count, 5) == tuple(codes.shape)
        assert (count, 28, 28) == tuple(pictures.shape)
        assert np.isfinite(pictures.numpy()).all()


def test_squashed_pixels_stay_between_0_and_1(squashed: NetworkConfig) -> None:
    """Even codes that no image has give pictures, the sigmoid of the logits."""
    model = build_autoencoder(squashed, seed=0)
    codes = 100 * np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    pictures = model.decoder(codes).numpy()

    assert 0 <= pictures.min() <= pictures.max() <= 1
    assert model.logits is not None
    np.testing.assert_allclose(tf.sigmoid(model.logits(codes)).numpy(), pictures, atol=1e-6)


@pytest.mark.parametrize("output", ["linear", "relu"])
def test_pixels_without_a_sigmoid_have_no_logits_and_no_ceiling(output: Any) -> None:
    """An article's relu pixels go as far as they like; a picture cuts them off later."""
    model = build_autoencoder(dataclasses.replace(RELU, output_activation=output), seed=0)
    pictures = model.decoder(np.full((1, 5), 1e4, np.float32)).numpy()

    assert model.logits is None
    assert pictures.max() > 1
    assert (pictures.min() < 0) == (output == "linear")


def test_dense_code_does_what_its_recipe_says(images: Images) -> None:
    """Relu, leaky relu of slope .2 and sigmoid are those functions of the linear code."""
    linear = build_autoencoder(dataclasses.replace(RELU, code_activation="linear"), seed=0).encoder(images).numpy()
    expected = {
        "relu": np.maximum(linear, 0),
        "leaky_relu": np.where(linear > 0, linear, 0.2 * linear),
        "sigmoid": 1 / (1 + np.exp(-linear)),
    }
    for activation, codes in expected.items():
        network = dataclasses.replace(RELU, code_activation=activation)  # type: ignore[arg-type]  # one of the names

        np.testing.assert_allclose(build_autoencoder(network, seed=0).encoder(images), codes, atol=1e-6)


@pytest.mark.parametrize(("scheme", "deviation"), [(0.3, 0.3), ("he", (2 / 784) ** 0.5), ("glorot", (2 / 884) ** 0.5)])
def test_dense_layers_start_as_their_recipe_says(scheme: Any, deviation: float) -> None:
    """Kernels have the standard deviation that was asked for, every bias is the constant."""
    network = DenseNetwork((100, 5), "relu", "relu", "relu", kernel_sd=scheme, bias=0.25)
    weights = [weight.numpy() for weight in build_autoencoder(network, seed=0).weights()]

    assert [(784, 100), (100,), (100, 5), (5,), (5, 100), (100,), (100, 784), (784,)] == [w.shape for w in weights]
    np.testing.assert_allclose(weights[0].std(), deviation, rtol=0.02)
    assert {0.25} == {value for bias in weights[1::2] for value in bias.tolist()}


def test_variational_codes_are_the_means(images: Images) -> None:
    """What the encoder says for good is the middle of what the fit draws from; the log variances are for the fit."""
    model = build_autoencoder(dataclasses.replace(RESIDUAL, variational=True), seed=0)
    assert model.posterior is not None

    means, log_variances = model.posterior(images)

    assert np.array_equal(model.encoder(images), means)
    assert means.shape == log_variances.shape
    assert not np.array_equal(means, log_variances)


def test_seed_decides_the_weights(network: NetworkConfig) -> None:
    """Equal seeds give equal weights, other seeds others, whatever the global random state."""
    one = build_autoencoder(network, seed=1).weights()
    tf.random.set_seed(99)
    same, other = build_autoencoder(network, seed=1).weights(), build_autoencoder(network, seed=2).weights()

    assert all(np.array_equal(left, right) for left, right in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_no_two_layers_start_alike() -> None:
    """Each layer draws a seed of its own: two layers of one shape differ."""
    dense = dataclasses.replace(DENSE, widths=(24, 24, 24, 5))
    for network, shape, layers in ((RESIDUAL, (16, 24), 3), (dense, (24, 24), 4)):
        weights = build_autoencoder(network, seed=0).weights()
        matrices = [weight.numpy() for weight in weights if weight.shape == shape]

        assert layers == len(matrices)
        assert layers == len({matrix.tobytes() for matrix in matrices})


def test_a_row_has_the_same_answer_in_every_batch(network: NetworkConfig, images: Images) -> None:
    """Among others to the last bit where the processor can; alone within rounding: signatures never ask alone."""
    model = build_autoencoder(network, seed=0)
    answer = tf.function(lambda rows: (model.encoder(rows), model.decoder(model.encoder(rows))))
    together = answer(tf.constant(images))
    for rows in (2, 7):
        for whole, part in zip(together, answer(tf.constant(images[-rows:])), strict=True):
            assert np.array_equal(whole[-rows:], part) or (not is_exact_here() and _are_near(whole[-rows:], part))
    for whole, part in zip(together, answer(tf.constant(images[-1:])), strict=True):
        assert _are_near(whole[-1:], part)


def _are_near(whole: Any, part: Any) -> bool:
    """Within rounding: with AVX-512 a last bit or two, with AVX2 some more."""
    rtol, atol = (1e-5, 1e-6) if is_exact_here() else (1e-3, 1e-4)
    return np.allclose(whole, part, rtol=rtol, atol=atol)


@pytest.mark.parametrize("kind", ["conv", "dense, relu pixels", "residual, variational"])
def test_every_kind_of_network_passes_the_check_of_an_export(
    kind: str, all_kinds: NDArray[np.uint8], tmp_path: Path
) -> None:
    """Saved and loaded again it gives the live answers, and the graph holds nothing that other loaders lack."""
    model = build_autoencoder(NETWORKS[kind], seed=0)
    codec = ServedCodec(model, fit_statistic(model, all_kinds[100:], all_kinds[:100], seed=0))
    images = build_probe()
    live = {name: answer.numpy() for name, answer in codec.reconstruct(tf.constant(images)).items()}
    codec.save(tmp_path / "version")

    verify_version(tmp_path / "version", {"images": images, "calibration_size": np.array(100), **live})


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_knows_its_size_without_building_it(name: str) -> None:
    """The list's arithmetic agrees with the network that is built."""
    network = find_recipe(name).network
    model = build_autoencoder(network, seed=0)

    assert model.count_parameters() == count_parameters(network)
    assert model.code_dim == network.code_dim


def test_every_shape_of_network_is_counted(network: NetworkConfig) -> None:
    """The arithmetic knows the parts that no recipe uses, too."""
    assert build_autoencoder(network, seed=0).count_parameters() == count_parameters(network)
