"""The floor under every autoencoder: what as many principal components leave of the test digits; knows no model."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from training.evaluation.figures import Images, split_rows

# 63 MB in double precision.
_CHUNK_ROWS = 10_000


def measure_pca(train_images: Images, test_images: Images, width: int) -> float:
    """Reconstruction error of principal component analysis: fitted on the training digits, measured on the test digits.

    Exact: the eigenvectors of the 784x784 covariance. Its pictures are neither cut off at [0, 1] nor rounded.

    Args:
        train_images: uint8 (n, 28, 28), n >= 1.
        test_images: uint8 (m, 28, 28), m >= 1.
        width: Number of components, >= 1; from 784 on nothing is lost.

    Returns:
        Mean squared pixel difference, pixels in [0, 1].
    """
    # One thread: several wait for each other by spinning, on a busy machine a hundred times as long as they work.
    with threadpool_limits(1, "blas"):
        mean, covariance = _fit_moments(train_images)
        lost = np.linalg.eigh(covariance)[1][:, : max(len(mean) - width, 0)]  # eigenvalues rise: keep the last ones
        squares = sum(float(np.square((chunk - mean) @ lost).sum()) for chunk in _flatten(test_images))
    return squares / test_images.size


def _fit_moments(images: Images) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean, (784,), and covariance, (784, 784)."""
    total, products = np.zeros(784), np.zeros((784, 784))
    for chunk in _flatten(images):
        total += chunk.sum(axis=0)
        products += chunk.T @ chunk
    mean = total / len(images)
    return mean, products / len(images) - np.outer(mean, mean)


def _flatten(images: Images) -> Iterator[NDArray[np.float64]]:
    """Pixels in [0, 1] as rows, a chunk at a time."""
    for chunk in split_rows(images, _CHUNK_ROWS):
        yield chunk.reshape(len(chunk), -1) / 255
