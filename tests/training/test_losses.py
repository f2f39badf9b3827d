"""What a fit makes small: pixels, sparse codes, variational codes."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.fit.losses import image_losses  # noqa: E402  # needs TensorFlow
from training.networks.build import build_autoencoder  # noqa: E402  # needs TensorFlow
from training.recipes.base import LossConfig, ResidualNetwork  # noqa: E402  # beside the imports above

SEED = tf.constant([1, 2])
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
    losses = image_losses(model, LossConfig(), NOISY, CLEAN, SEED)  # type: ignore[arg-type]  # a fixture

    wanted = np.square(model(NOISY).numpy() - CLEAN).mean(axis=(1, 2))  # type: ignore[operator]  # a fixture
    np.testing.assert_allclose(wanted, losses.numpy(), rtol=1e-5)


def test_cross_entropy_is_that_of_the_pictures(model: object) -> None:
    """Computed from the logits, it equals the textbook formula on the pixels."""
    losses = image_losses(model, LossConfig(pixels="cross_entropy"), NOISY, CLEAN, SEED)  # type: ignore[arg-type]

    pictures = model(NOISY).numpy().astype(np.float64)  # type: ignore[operator]  # a fixture
    wanted = -(CLEAN * np.log(pictures) + (1 - CLEAN) * np.log(1 - pictures)).mean(axis=(1, 2))
    np.testing.assert_allclose(wanted, losses.numpy(), rtol=1e-5)


def test_sparsity_adds_the_mean_absolute_code(model: object) -> None:
    """Twice the weight, twice the price."""
    plain, dear, dearer = (
        image_losses(model, LossConfig(sparsity=weight), NOISY, CLEAN, SEED).numpy()  # type: ignore[arg-type]
        for weight in (0.0, 0.5, 1.0)
    )

    price = np.abs(model.encoder(NOISY).numpy()).mean(axis=1)  # type: ignore[attr-defined]  # a fixture
    np.testing.assert_allclose(0.5 * price, dear - plain, rtol=1e-4)
    np.testing.assert_allclose(price, dearer - plain, rtol=1e-4)


def test_divergence_is_that_of_the_textbook(variational: object) -> None:
    """KL of N(m, s^2) from N(0, 1), summed over the code, in nats for each pixel."""
    free, bound = (
        image_losses(variational, LossConfig(divergence=weight), NOISY, CLEAN, SEED).numpy()  # type: ignore[arg-type]
        for weight in (0.0, 1.0)
    )

    means, logs = (part.numpy() for part in variational.posterior(NOISY))  # type: ignore[attr-defined]  # a fixture
    wanted = 0.5 * (np.square(means) + np.exp(logs) - 1 - logs).sum(axis=1) / 784
    np.testing.assert_allclose(wanted, bound - free, rtol=1e-3)


def test_variational_codes_are_drawn_by_the_seed(variational: object) -> None:
    """Equal seeds give equal losses, others do not: the code is a draw and not the mean."""
    one, same, other = (
        image_losses(variational, LossConfig(), NOISY, CLEAN, tf.constant([1, last])).numpy()  # type: ignore[arg-type]
        for last in (2, 2, 3)
    )

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
