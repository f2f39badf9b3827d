"""Structural similarity of pictures, many at once, as plain NumPy; knows no model."""

import numpy as np
from numpy.typing import NDArray

from training.evaluation.figures import Images, split_rows

_BOX = 7
_PIXELS = _BOX * _BOX
# The stabilisers of the paper, for grey levels 0..255.
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_CHUNK_ROWS = 500


def structural_similarity(images: Images, others: Images) -> NDArray[np.float64]:
    """Mean structural similarity (SSIM) of each pair of pictures over all boxes of 7x7 pixels that lie inside.

    Shapes: uint8 (n, 28, 28) twice -> (n,). Range [-1, 1], 1 for equal pictures. As scikit-image's function of the same
    name computes it without a Gaussian window, but for all pictures at once.
    Source: Wang, Bovik, Sheikh and Simoncelli, Image Quality Assessment, 2004.

    Raises:
        ValueError: If the shapes differ.
    """
    if images.shape != others.shape:
        raise ValueError(f"got pictures of shapes {images.shape} and {others.shape}, expected equal ones")
    chunks = zip(split_rows(images, _CHUNK_ROWS), split_rows(others, _CHUNK_ROWS), strict=True)
    return np.concatenate([_compare(first, second) for first, second in chunks])


def _compare(images: Images, others: Images) -> NDArray[np.float64]:
    first, second = images.astype(np.int64), others.astype(np.int64)
    mean, other_mean = _sum_boxes(first) / _PIXELS, _sum_boxes(second) / _PIXELS
    variance = _covariance(first, first, mean, mean)
    other_variance = _covariance(second, second, other_mean, other_mean)
    covariance = _covariance(first, second, mean, other_mean)
    brightness = (2 * mean * other_mean + _C1) / (mean**2 + other_mean**2 + _C1)
    structure = (2 * covariance + _C2) / (variance + other_variance + _C2)
    similarity: NDArray[np.float64] = (brightness * structure).mean(axis=(1, 2))
    return similarity


def _covariance(
    first: NDArray[np.int64], second: NDArray[np.int64], mean: NDArray[np.float64], other_mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Unbiased, in every box."""
    return (_sum_boxes(first * second) - _PIXELS * mean * other_mean) / (_PIXELS - 1)


def _sum_boxes(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums over every box that lies inside, (n, 28, 28) -> (n, 22, 22); exact, as they are whole numbers."""
    for axis in (1, 2):
        values = np.swapaxes(values, 0, axis)
        before = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
        values = np.swapaxes(before[_BOX:] - before[:-_BOX], 0, axis)
    return values
