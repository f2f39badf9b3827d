"""Figures of merit as plain NumPy functions; knows no model and no TensorFlow."""

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Doubles = NDArray[np.float64]

# Mean squared error of a picture in which one pixel is wrong by one level: the least that is not 0.
ONE_GREY_LEVEL = 1 / (784 * 255.0**2)
# A grey level of 0 stands for all values up to half a level; this is their middle, 255ths of the range [0, 1].
_BLACK = 0.25
_CHUNK_ROWS = 1000
# A unit is dead whose codes vary less than this part of what the liveliest unit's do, or less than rounding.
_DEAD_SHARE = 1e-3
_DEAD_SD = 1e-6
# Rows of one distance matrix: 512 against 60,000 references are 120 MB of float32.
_KNN_CHUNK_ROWS = 512


def reconstruction_error(images: Images, reconstructions: Images) -> Doubles:
    """Mean squared pixel difference of each image, pixels scaled to [0, 1].

    Shapes: uint8 (n, 28, 28) twice -> (n,). Range [0, 1]. Exact: the squares are summed as integers.

    Raises:
        ValueError: If the shapes differ.
    """
    _check_shapes(images, reconstructions)
    squares = np.square(images.astype(np.int32) - reconstructions).sum(axis=(1, 2), dtype=np.int64)
    errors: Doubles = squares / (np.prod(images.shape[1:]) * 255.0**2)
    return errors


def mean_psnr_db(errors: Doubles) -> float:
    """Mean over the images of 10 log10(1 / mse), in dB; a perfect picture counts as one wrong grey level.

    Shapes: (n,) -> scalar. Larger than the PSNR of the mean error, because easy images lift the mean.
    """
    return float(np.mean(-10 * np.log10(np.maximum(errors, ONE_GREY_LEVEL))))


def measure_pictures(images: Images, reconstructions: Images) -> dict[str, float]:
    """`mse` and `psnr_db` of pictures, uint8 (n, 28, 28), against the images that they should be."""
    errors = reconstruction_error(images, reconstructions)
    return {"mse": float(errors.mean()), "psnr_db": mean_psnr_db(errors)}


def cross_entropy(images: Images, reconstructions: Images) -> Doubles:
    """Mean binary cross-entropy of each image's pixels, in nats, a pixel being the probability of ink.

    Shapes: uint8 (n, 28, 28) twice -> (n,). Range [0, 6.93]: the reconstruction is clipped to [0.25, 254.75] / 255, so
    that a rounded 0 or 255 has a finite logarithm; a black page repeated exactly costs 0.001.

    Raises:
        ValueError: If the shapes differ.
    """
    _check_shapes(images, reconstructions)
    levels = np.arange(256).clip(_BLACK, 255 - _BLACK) / 255
    ink_cost, paper_cost = -np.log(levels), -np.log(1 - levels)
    entropies = np.empty(len(images))
    for start in range(0, len(images), _CHUNK_ROWS):
        chunk = slice(start, start + _CHUNK_ROWS)
        ink = images[chunk] / 255
        costs = ink * ink_cost[reconstructions[chunk]] + (1 - ink) * paper_cost[reconstructions[chunk]]
        entropies[chunk] = costs.mean(axis=(1, 2))
    return entropies


def auroc(normal: NDArray[np.floating], strange: NDArray[np.floating]) -> float:
    """Probability that a strange image scores above a normal one; a tie counts one half.

    Shapes: (n,), (m,) -> scalar in [0, 1].

    Raises:
        ValueError: If either set is empty.
    """
    _check_filled(normal, strange)
    ordered = np.sort(normal)
    below = np.searchsorted(ordered, strange, side="left")
    not_above = np.searchsorted(ordered, strange, side="right")
    return float((below + not_above).mean() / (2 * len(normal)))


def false_alarm_rate(anomaly_scores: NDArray[np.floating], threshold: float) -> float:
    """Share of normal images whose score is strictly above the threshold.

    Shapes: (n,) -> scalar in [0, 1]. Compared in float32, as the gateway compares.
    """
    return float(np.mean(anomaly_scores > np.float32(threshold)))


def detection_rate(normal: NDArray[np.floating], strange: NDArray[np.floating], false_alarm_share: float) -> float:
    """Share of strange images above the lowest threshold that at most `false_alarm_share` of the normal ones exceed.

    Shapes: (n,), (m,) -> scalar in [0, 1]: the true-positive rate at this false-positive rate.

    Raises:
        ValueError: If either set is empty.
    """
    _check_filled(normal, strange)
    alarms = int(false_alarm_share * len(normal))
    threshold = np.sort(normal)[::-1][min(alarms, len(normal) - 1)]
    return float(np.mean(strange > threshold))


def count_dead_units(codes: NDArray[np.float32]) -> int:
    """How many units of a code say the same of every image.

    Shapes: (n, d) -> 0 .. d. A unit is dead if its standard deviation is at most a thousandth of the liveliest unit's,
    or at most 1e-6: what saturated units still vary by is of no use to a decoder.
    """
    deviations = codes.std(axis=0, dtype=np.float64)
    return int(np.count_nonzero(deviations <= max(_DEAD_SD, _DEAD_SHARE * deviations.max())))


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


def _check_shapes(images: Images, reconstructions: Images) -> None:
    if images.shape != reconstructions.shape:
        raise ValueError(f"got reconstructions of shape {reconstructions.shape}, expected {images.shape}")


def _check_filled(normal: NDArray[np.floating], strange: NDArray[np.floating]) -> None:
    if not len(normal) or not len(strange):
        raise ValueError(f"got {len(normal)} normal and {len(strange)} strange scores, expected at least 1 each")


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
