"""Turns a statistic into a calibrated anomaly score; knows nothing of images or of how the statistic came about.

The promise. Let m held-out normal images and one new image be exchangeable: any order of these m + 1 is as likely
as any other. Their statistics are then exchangeable too, because the statistic was fitted on none of them. So the
new image's rank among the m + 1 is uniform, and with

    score = (number of calibration statistics < s) / (m + 1)

`score > threshold` happens to it with probability at most 1 - threshold, for every threshold up to m / (m + 1)
(conformal prediction; Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005). The promise is about
images like the held-out ones: digits of other writers or another scanner are not exchangeable with them.

Beyond the largest calibration statistic a rank would stay at m / (m + 1). There the score goes on along
1 - 1 / ((m + 1) (1 + excess / scale)), which keeps the order of the strangest images. It starts with the slope of the
exponential tail fitted to the largest statistics, but falls off slowly: an exponential would reach 1 in float32 after
eight scales, and strange images lie hundreds of scales out.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

# The largest statistics from which the tail's scale is estimated: enough to be steady, few enough to be the tail.
_TAIL_SHARE = 0.05
# Keeps the tail's slope finite where all the largest statistics are equal.
_LEAST_SCALE = 1e-3
# The largest float32 from which 1 can still be taken: the score ends at 1 - 2**-24 and never falls.
_MOST_ROOM = 2.0**24


@dataclass(frozen=True)
class Calibration:
    """The statistics of held-out normal images.

    Attributes:
        ordered: Their statistics in ascending order, float32 (m,), m >= 1.
        tail_scale: How far beyond the largest one the remaining distance to 1 halves; > 0.
    """

    ordered: NDArray[np.float32]
    tail_scale: float

    @property
    def size(self) -> int:
        """How many images calibrate; the smallest false-alarm rate that can be promised is 1 / (size + 1)."""
        return len(self.ordered)

    def score(self, statistics: tf.Tensor) -> tf.Tensor:
        """The anomaly scores of statistics, in plain TensorFlow operations.

        Shapes: float32 (n,) -> float32 (n,). Range [0, 1); never falls where the statistic rises.
        """
        below = tf.searchsorted(tf.constant(self.ordered), statistics, side="left")
        rank = tf.cast(below, tf.float32) / float(self.size + 1)
        excess = (statistics - self.ordered[-1]) / self.tail_scale
        room = tf.clip_by_value((self.size + 1.0) * (1.0 + excess), self.size + 1.0, _MOST_ROOM)
        # As a quotient: a loader turns 1 / x into an approximation whose last bits depend on the batch.
        tail = (room - 1.0) / room
        return tf.where(below == self.size, tail, rank)


def fit_calibration(statistics: NDArray[np.float32]) -> Calibration:
    """Calibrate on the statistics of held-out normal images.

    Shapes: (m,). None of these images may have been seen by what fitted the model or the statistic.

    Raises:
        ValueError: If there are none, or one is not finite.
    """
    if not len(statistics) or not np.isfinite(statistics).all():
        raise ValueError(f"got {len(statistics)} calibration statistics, expected at least 1, all finite")
    ordered = np.sort(statistics.astype(np.float32))
    largest = ordered[-max(2, round(_TAIL_SHARE * len(ordered))) :]
    return Calibration(ordered, max(float(np.mean(largest - largest[0])), _LEAST_SCALE))
