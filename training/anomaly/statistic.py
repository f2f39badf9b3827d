"""The anomaly statistic: how little an image and its reconstruction are like what normal digits do.

Squared error alone calls a blank image the most normal one there is, because error grows with ink. So five measures
of an image are weighed together, each one small for normal digits:

- `error`         the mean squared error that the caller also gets;
- `dissimilarity` 1 - mean structural similarity (Wang et al. 2004) of image and reconstruction over 7x7 boxes:
                  an empty or half erased picture has little error, but the wrong structure;
- `remoteness`    how unlikely the code is: its distance to the nearest of a few Gaussian prototypes of whitened codes;
- `ink` and `-ink` mean brightness, from both sides.

Each becomes its surprise, -log p, where p is the share of normal digits that go at least as far; beyond the 99.5 %
quantile -log p goes on in a straight line. The statistic is their weighted sum. A surprise is piecewise linear, so it
is a sum of hinges: a handful of operations in the exported graph, whatever the batch.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.anomaly.calibration import Calibration
from training.anomaly.view import View

Floats = NDArray[np.float32]

MEASURES = ("error", "dissimilarity", "remoteness", "ink", "-ink")

# 7x7 boxes, as the usual structural similarity with equal weights; every third position loses nothing measurable.
_BOX = 7
_STRIDE = 3
# The usual constants (0.01 L)^2 and (0.03 L)^2 for pixels in [0, 1].
_C1, _C2 = 1e-4, 9e-4


@dataclass(frozen=True)
class Prototypes:
    """Gaussians that cover the codes of normal digits; whitening is folded into them.

    Attributes:
        directions: float32 (code_dim, p * code_dim): code -> its coordinates around each of p prototypes.
        offsets: float32 (p * code_dim,), subtracted from the coordinates.
        costs: float32 (p,): what being near this prototype costs already, for it is wide or seldom.
    """

    directions: Floats
    offsets: Floats
    costs: Floats

    def remoteness(self, codes: tf.Tensor) -> tf.Tensor:
        """Negative log likelihood, but for a constant, under the likeliest prototype: (n, code_dim) -> (n,)."""
        coordinates = codes @ self.directions - self.offsets
        spread = tf.reshape(coordinates * coordinates, [-1, len(self.costs), codes.shape[1]])
        return tf.reduce_min(0.5 * tf.reduce_sum(spread, axis=2) + self.costs, axis=1)


@dataclass(frozen=True)
class Surprise:
    """The weighted sum of the surprises of all measures, as hinges.

    Attributes:
        knots: Where each hinge begins, float32 (measures, hinges).
        bends: How much the slope changes there, weight included, float32 (measures, hinges).
    """

    knots: Floats
    bends: Floats

    def total(self, measures: tf.Tensor) -> tf.Tensor:
        """Shapes: float32 (n, measures) -> float32 (n,), >= 0 up to rounding."""
        hinges = tf.nn.relu(measures[:, :, None] - self.knots)
        return tf.reduce_sum(hinges * self.bends, axis=(1, 2))


@dataclass(frozen=True)
class AnomalyStatistic:
    """The fitted statistic and its calibration; plain float32 TensorFlow operations, for the exported graph.

    Attributes:
        prototypes: Where normal codes lie.
        surprise: How measures become one statistic.
        calibration: How the statistic becomes a score.
    """

    prototypes: Prototypes
    surprise: Surprise
    calibration: Calibration

    def statistics(self, view: View) -> tf.Tensor:
        """The statistic of each image, float32 (n,); higher = stranger, unbounded."""
        return self.surprise.total(measure(self.prototypes, view))

    def anomaly_scores(self, view: View) -> tf.Tensor:
        """The calibrated score of each image, float32 (n,) in [0, 1]."""
        return self.calibration.score(self.statistics(view))


def measure(prototypes: Prototypes, view: View) -> tf.Tensor:
    """The measures of each image in the order of `MEASURES`, float32 (n, 5)."""
    ink = tf.reduce_mean(view.pixels, axis=(1, 2))
    dissimilarity = measure_dissimilarity(view.pixels, view.pictures)
    return tf.stack([view.errors, dissimilarity, prototypes.remoteness(view.codes), ink, -ink], axis=1)


def measure_dissimilarity(pixels: tf.Tensor, pictures: tf.Tensor) -> tf.Tensor:
    """1 - mean structural similarity of each pair of pictures.

    Shapes: float32 (n, 28, 28) twice -> (n,). Range [0, 2]; 0 for equal pictures.
    """
    one, other = (tf.reshape(pictures_, [-1, 784]) for pictures_ in (pixels, pictures))
    boxes = _build_boxes()
    mean_one, mean_other = one @ boxes, other @ boxes
    product = mean_one * mean_other
    squares = mean_one * mean_one + mean_other * mean_other
    covariance = (one * other) @ boxes - product
    variances = (one * one + other * other) @ boxes - squares
    similarity = ((2 * product + _C1) * (2 * covariance + _C2)) / ((squares + _C1) * (variances + _C2))
    return 1.0 - tf.reduce_mean(similarity, axis=1)


def _build_boxes() -> tf.Tensor:
    """Matrix that averages pixels over the boxes: (784, boxes).

    It is made in the graph from its factor, which the loader folds once; stored whole it would be 200 kB.
    """
    starts = range(0, 28 - _BOX + 1, _STRIDE)
    along = np.zeros((28, len(starts)), np.float32)
    for box, start in enumerate(starts):
        along[start : start + _BOX, box] = 1 / _BOX
    return tf.reshape(along[:, None, :, None] * tf.constant(along)[None, :, None, :], [784, len(starts) ** 2])
