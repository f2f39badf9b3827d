"""Shared by the trainer's tests: few digits, and small networks that need no training."""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.load import DigitData, load_data
from training.recipes.base import ConvStem, ResidualNetwork


@pytest.fixture(autouse=True)
def _quiet_logging() -> Iterator[None]:
    """`main` sets up the log of its process; a test gives it back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def small_digits() -> DigitData:
    """scikit-learn's digits, enlarged: some 1,600 to fit and 180 to test, with labels."""
    return load_data("digits")


@pytest.fixture(scope="session")
def all_kinds(small_digits: DigitData) -> NDArray[np.uint8]:
    """300 images of every kind: digits, empty, full, noise; uint8 (300, 28, 28)."""
    images = np.concatenate([small_digits.test_images[:100], small_digits.train_images[:200]])
    images[10:20], images[20:30] = 0, 255
    images[30:60] = np.random.default_rng(0).integers(0, 256, (30, 28, 28), dtype=np.uint8)
    return images


@pytest.fixture(scope="session")
def autoencoder() -> Any:
    """An untrained network of every kind of layer that recipes use, a `training.networks.autoencoder.Autoencoder`."""
    from training.networks.build import build_autoencoder

    network = ResidualNetwork(
        code_dim=8, width=32, hidden=48, encoder_blocks=1, decoder_blocks=1, stem=ConvStem((4, 16)), last_hidden=32
    )
    return build_autoencoder(network, seed=1)


@pytest.fixture(scope="session")
def statistic(autoencoder: Any, small_digits: DigitData) -> Any:
    """The statistic of that network, calibrated on 300 digits."""
    from training.anomaly.fitting import fit_statistic

    return fit_statistic(autoencoder, small_digits.train_images[:-300], small_digits.train_images[-300:], seed=0)


@pytest.fixture(scope="session")
def codec(autoencoder: Any, statistic: Any) -> Any:
    """Both as contract one serves them, a `training.export.signatures.ServedCodec`."""
    from training.export.signatures import ServedCodec

    return ServedCodec(autoencoder, statistic)
