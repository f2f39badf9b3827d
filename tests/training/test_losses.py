"""What a fit makes small: pixels, sparse codes, variational codes."""

import dataclasses

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.fit.losses import image_losses, sparsity_share  # noqa: E402  # needs TensorFlow
from training.networks.build import build_autoencoder  # noqa: E402  # needs TensorFlow
from training.recipes.base import FitConfig, LossConfig, OptimizerConfig, ResidualNetwork  # noqa: E402  # as above

NOISE = np.random.default_rng(2).normal(size=(5, 4)).astype(np.float32)
CLEAN = np.random.default_rng(0).random((5, 28, 28), np.float32)
NOISY = np.random.default_rng(1).random((5, 28, 28), np.float32)


@pytest.fixture(scope="module")
def model() -> object:
    """A small network."""
    return build_autoencoder(ResidualNetwork(4, 16, 16, 0, 0), seed=0)


@pytest.fixture(scope="module")
def variational() -> object:
    """The same, variational."""
    return build_autoencoder(ResidualNetwork(4, 16, 16, 0, 0, variational=True), seed=0)


def test_squared_error_is_against_the_clean_image(model: object) -> None:
    """The network sees the noisy image; its picture is held against the clean one."""
    losses = image_losses(model, LossConfig(), NOISY, CLEAN, NOISE)  # type: ignore[arg-type]  # a fixture

    wanted = np.square(model(NOISY).numpy() - CLEAN).mean(axis=(1, 2))  # type: ignore[operator]  # a fixture
    np.testing.assert_allclose(wanted, losses.numpy(), rtol=1e-5)


def test_cross_entropy_is_that_of_the_pictures(model: object) -> None:
    """Computed from the logits, it equals the textbook formula on the pixels."""
    losses = image_losses(model, LossConfig(pixels="cross_entropy"), NOISY, CLEAN, NOISE)  # type: ignore[arg-type]

    pictures = model(NOISY).numpy().astype(np.float64)  # type: ignore[operator]  # a fixture
    wanted = -(CLEAN * np.log(pictures) + (1 - CLEAN) * np.log(1 - pictures)).mean(axis=(1, 2))
    np.testing.assert_allclose(wanted, losses.numpy(), rtol=1e-5)


def test_sparsity_adds_the_mean_absolute_code(model: object) -> None:
    """Twice the weight, twice the price."""
    plain, dear, dearer = (
        image_losses(model, LossConfig(sparsity=weight), NOISY, CLEAN, NOISE).numpy()  # type: ignore[arg-type]
        for weight in (0.0, 0.5, 1.0)
    )

    price = np.abs(model.encoder(NOISY).numpy()).mean(axis=1)  # type: ignore[attr-defined]  # a fixture
    np.testing.assert_allclose(0.5 * price, dear - plain, rtol=1e-4)
    np.testing.assert_allclose(price, dearer - plain, rtol=1e-4)


def test_divergence_is_that_of_the_textbook(variational: object) -> None:
    """KL of N(m, s^2) from N(0, 1), summed over the code, in nats for each pixel."""
    free, bound = (
        image_losses(variational, LossConfig(divergence=weight), NOISY, CLEAN, NOISE).numpy()  # type: ignore[arg-type]
        for weight in (0.0, 1.0)
    )

    means, logs = (part.numpy() for part in variational.posterior(NOISY))  # type: ignore[attr-defined]  # a fixture
    wanted = 0.5 * (np.square(means) + np.exp(logs) - 1 - logs).sum(axis=1) / 784
    np.testing.assert_allclose(wanted, bound - free, rtol=1e-3)


def test_variational_codes_are_their_means_and_some_noise(variational: object) -> None:
    """Without noise the picture is that of the mean; with it, it is another."""
    quiet, noisy = (
        image_losses(variational, LossConfig(), NOISY, CLEAN, noise).numpy()  # type: ignore[arg-type]  # a fixture
        for noise in (np.zeros_like(NOISE), NOISE)
    )

    of_means = np.square(variational(NOISY).numpy() - CLEAN).mean(axis=(1, 2))  # type: ignore[operator]  # a fixture
    np.testing.assert_allclose(of_means, quiet, rtol=1e-5)
    assert not np.allclose(quiet, noisy)


def test_price_of_speaking_rises_over_its_part_of_the_fit() -> None:
    """It starts at nothing, is full at the end of its part, and stays so; without a rise it is full at once."""
    config = FitConfig(2, 100, OptimizerConfig(1e-3), 10, loss=LossConfig(sparsity=0.1, sparsity_rise=0.5))
    whole = dataclasses.replace(config, loss=LossConfig(sparsity=0.1))
    steps = (0.0, 25.0, 50.0, 99.0)

    assert [0.0, 0.5, 1.0, 1.0] == [float(sparsity_share(config, tf.constant(step))) for step in steps]
    assert 1.0 == float(sparsity_share(whole, tf.constant(0.0)))
