"""The three parts of the training images."""

import numpy as np
import pytest

from training.data.split import split_training
from training.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (36, 28, 28), np.uint8)


def test_the_last_images_calibrate_and_those_before_them_watch() -> None:
    """No image is in two parts, none is lost, and the order stays."""
    parts = split_training(IMAGES, 10)

    assert (24, 2, 10) == tuple(map(len, parts))
    assert np.array_equal(IMAGES, np.concatenate(parts))


def test_small_sets_calibrate_on_a_fifth() -> None:
    """A set smaller than twice the wish keeps most of its images to fit."""
    assert (28, 1, 7) == tuple(map(len, split_training(IMAGES, 19)))


def test_exactly_twice_the_calibration_size_is_enough() -> None:
    """The bound itself is allowed."""
    assert (15, 3, 18) == tuple(map(len, split_training(IMAGES, 18)))


def test_five_images_are_enough() -> None:
    """No part is ever empty."""
    assert (3, 1, 1) == tuple(map(len, split_training(IMAGES[:5], 5000)))


def test_too_few_images_to_split_are_refused() -> None:
    """No part may be empty."""
    with pytest.raises(DataError, match="4 images are left"):
        split_training(IMAGES[:4], 5)
