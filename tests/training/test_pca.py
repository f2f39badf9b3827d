"""The floor of principal components: as scikit-learn finds it, and its two ends."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from training.data.load import DigitData
from training.evaluation.pca import measure_pca


def test_floor_is_that_of_scikit_learn(small_digits: DigitData) -> None:
    """Fitted on the training digits, measured on the test digits."""
    train, test = (part.reshape(-1, 784) / 255 for part in (small_digits.train_images, small_digits.test_images))
    with threadpool_limits(1):  # on a busy machine its threads wait for each other a hundred times as long as they work
        components = PCA(16, svd_solver="covariance_eigh").fit(train)
    expected = np.mean(np.square(test - components.inverse_transform(components.transform(test))))

    assert expected == pytest.approx(measure_pca(small_digits.train_images, small_digits.test_images, 16))


def test_full_width_loses_nothing(small_digits: DigitData) -> None:
    """As many components as pixels, or more."""
    digits = small_digits.train_images[:50], small_digits.test_images[:10]

    assert [0.0, 0.0] == [measure_pca(*digits, width) for width in (784, 1000)]


def test_one_digit_is_the_mean_image() -> None:
    """Fewer training digits than components: what they do not span is lost."""
    train = np.zeros((1, 28, 28), np.uint8)
    test = np.full((2, 28, 28), 255, np.uint8)

    assert 783 / 784 == pytest.approx(measure_pca(train, test, 1), abs=2 / 784)
