"""Figures of merit as plain NumPy functions; knows no model and no TensorFlow."""

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Doubles = NDArray[np.float64]

# Rows of one distance matrix: 512 against 60,000 references are 120 MB of float32.
_KNN_CHUNK_ROWS = 512


def reconstruction_error(images: Images, reconstructions: Images) -> Doubles:
    """Mean squared pixel difference of each image, pixels scaled to [0, 1].

    Shapes: uint8 (n, 28, 28) twice -> (n,). Range [0, 1]. Exact: the squares are summed as integers.

    Raises:
        ValueError: If the shapes differ.
    """
    if images.shape != reconstructions.shape:
        raise ValueError(f"got reconstructions of shape {reconstructions.shape}, expected {images.shape}")
    squares = np.square(images.astype(np.int32) - reconstructions).sum(axis=(1, 2), dtype=np.int64)
    errors: Doubles = squares / (np.prod(images.shape[1:]) * 255.0**2)
    return errors


def mean_psnr_db(errors: Doubles) -> float:
    """Mean over the images of 10 log10(1 / mse), in dB; a perfect picture counts as one wrong grey level.

    Shapes: (n,) -> scalar. Larger than the PSNR of the mean error, because easy images lift the mean.
    """
    one_grey_level = 1 / (784 * 255.0**2)
    return float(np.mean(-10 * np.log10(np.maximum(errors, one_grey_level))))


def auroc(normal: NDArray[np.floating], strange: NDArray[np.floating]) -> float:
    """Probability that a strange image scores above a normal one; a tie counts one half.

    Shapes: (n,), (m,) -> scalar in [0, 1].

    Raises:
        ValueError: If either set is empty.
    """
    if not len(normal) or not len(strange):
        raise ValueError(f"got {len(normal)} normal and {len(strange)} strange scores, expected at least 1 each")
    ordered = np.sort(normal)
    below = np.searchsorted(ordered, strange, side="left")
    not_above = np.searchsorted(ordered, strange, side="right")
    return float((below + not_above).mean() / (2 * len(normal)))


def false_alarm_rate(anomaly_scores: NDArray[np.floating], threshold: float) -> float:
    """Share of normal images whose score is strictly above the threshold.

    Shapes: (n,) -> scalar in [0, 1]. Compared in float32, as the gateway compares.
    """
    return float(np.mean(anomaly_scores > np.float32(threshold)))


def knn_accuracy(
    reference_codes: NDArray[np.float32],
    reference_labels: NDArray[np.int64],
    codes: NDArray[np.float32],
    labels: NDArray[np.int64],
    neighbours: int = 5,
) -> float:
    """Share of codes whose nearest reference codes, by majority, carry their label.

    Shapes: (r, d), (r,), (n, d), (n,) -> scalar in [0, 1]. Of labels with equally many votes the smallest wins;
    where there are fewer references than `neighbours`, all of them vote.
    """
    voters_each = min(neighbours, len(reference_codes))
    right = 0
    for start in range(0, len(codes), _KNN_CHUNK_ROWS):
        chunk = slice(start, start + _KNN_CHUNK_ROWS)
        voters = reference_labels[_find_nearest(reference_codes, codes[chunk], voters_each)]
        right += int(np.count_nonzero(_majority(voters) == labels[chunk]))
    return right / len(codes)


def _find_nearest(references: NDArray[np.float32], codes: NDArray[np.float32], neighbours: int) -> NDArray[np.intp]:
    """Indices of the nearest references of each code, in no order; the code's own norm changes no order."""
    distances = np.square(references).sum(axis=1) - 2 * codes @ references.T
    nearest: NDArray[np.intp] = np.argpartition(distances, neighbours - 1, axis=1)[:, :neighbours]
    return nearest


def _majority(voters: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most frequent label of each row."""
    votes = (voters[:, :, None] == np.arange(voters.max() + 1)).sum(axis=1)
    winners: NDArray[np.int64] = votes.argmax(axis=1).astype(np.int64)
    return winners
