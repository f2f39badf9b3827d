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
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.calibration import Calibration, fit_calibration

if TYPE_CHECKING:
    from training.networks import Autoencoder

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

MEASURES = ("error", "dissimilarity", "remoteness", "ink", "-ink")
# Error and code tell most, and different things; measured over the ten strange sets, flat around these values.
_WEIGHTS = np.array([1.5, 1.0, 1.5, 1.0, 1.0])

# 7x7 boxes, as the usual structural similarity with equal weights; every third position loses nothing measurable.
_BOX = 7
_STRIDE = 3
# The usual constants (0.01 L)^2 and (0.03 L)^2 for pixels in [0, 1].
_C1, _C2 = 1e-4, 9e-4

# More prototypes gain little: 16 x code_dim x code_dim floats are 66 kB at 32.
_PROTOTYPES = 16
_LEAST_CODES_PER_PROTOTYPE = 64
# Variance added to each direction of a prototype, of whitened codes (variance 1): keeps thin prototypes from
# calling every new digit remote.
_PROTOTYPE_NOISE = 0.1
# Hardly a code changes its prototype after that.
_PROTOTYPE_TURNS = 30
# Directions in which codes hardly move (dead units) are not blown up to variance 1.
_LEAST_RELATIVE_VARIANCE = 1e-6
# For a code that is all dead; squares of codes so blown up still fit into float32.
_LEAST_VARIANCE = 1e-12

# Knots of the surprise: even over the body, geometric in the tail.
_SHARES = np.concatenate([np.linspace(0, 0.9, 37), 1 - np.geomspace(0.1, 0.005, 20)[1:]])
# Bounds on slopes, in standard deviations, where values coincide or the tail is short.
_LEAST_KNOT_WIDTH = 1e-3
_LEAST_TAIL_SCALE = 0.05

# Enough for 16 full covariances and a 99.5 % quantile; more only take longer.
_FIT_IMAGES = 20_000
_FIT_BATCH = 1000


class View(NamedTuple):
    """A batch of images and all that the autoencoder makes of it.

    Attributes:
        pixels: The images scaled to [0, 1], float32 (n, 28, 28).
        codes: float32 (n, code_dim).
        pictures: The decoder's pictures in [0, 1], not yet rounded, float32 (n, 28, 28).
        reconstructions: The same as callers get them, uint8 (n, 28, 28).
        errors: Mean squared difference between images and reconstructions, float32 (n,); exact to the last
            bit, because the squares are summed as integers.
    """

    pixels: tf.Tensor
    codes: tf.Tensor
    pictures: tf.Tensor
    reconstructions: tf.Tensor
    errors: tf.Tensor


def scale_pixels(images: tf.Tensor) -> tf.Tensor:
    """Scale grey levels to what the encoder reads: uint8 (n, 28, 28) -> float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255.0


def round_pixels(pictures: tf.Tensor) -> tf.Tensor:
    """Round pictures to grey levels: float32 (n, 28, 28) in [0, 1] -> uint8; values outside are cut off."""
    return tf.saturate_cast(tf.round(pictures * 255.0), tf.uint8)


def build_view(autoencoder: "Autoencoder", images: tf.Tensor) -> View:
    """Run the autoencoder on uint8 images (n, 28, 28)."""
    pixels = scale_pixels(images)
    codes = autoencoder.encoder(pixels, training=False)
    pictures = autoencoder.decoder(codes, training=False)
    reconstructions = round_pixels(pictures)
    difference = tf.cast(images, tf.int32) - tf.cast(reconstructions, tf.int32)
    squares = tf.reduce_sum(difference * difference, axis=(1, 2))
    errors = tf.cast(squares, tf.float32) / (784 * 255.0**2)
    return View(pixels, codes, pictures, reconstructions, errors)


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


def fit_statistic(autoencoder: "Autoencoder", fit_images: Images, held_out: Images, seed: int) -> AnomalyStatistic:
    """Fit prototypes and surprises, then calibrate.

    Args:
        autoencoder: The trained networks.
        fit_images: Normal digits, uint8 (n, 28, 28), n >= 2; those of the training will do, for the calibration
            makes up for their being a little too familiar. At most 20,000 of them are used.
        held_out: Normal digits that neither the training nor this fit saw, uint8 (m, 28, 28), m >= 1.
        seed: Equal seeds give equal statistics on the same machine.

    Raises:
        ValueError: If a set is too small, or the network returns numbers that are not finite.
    """
    chosen = np.random.default_rng(seed).permutation(len(fit_images))[:_FIT_IMAGES]
    views = _view_all(autoencoder, fit_images[chosen])
    prototypes = fit_prototypes(np.concatenate([view.codes.numpy() for view in views]), seed)
    surprise = fit_surprise(np.concatenate([measure(prototypes, view).numpy() for view in views]))
    held_out_views = _view_all(autoencoder, held_out)
    statistics = [surprise.total(measure(prototypes, view)).numpy() for view in held_out_views]
    return AnomalyStatistic(prototypes, surprise, fit_calibration(np.concatenate(statistics)))


def _view_all(autoencoder: "Autoencoder", images: Images) -> list[View]:
    """Views of all images, a batch each; 20,000 images take 200 MB."""
    run = tf.function(
        lambda batch: build_view(autoencoder, batch),
        input_signature=[tf.TensorSpec([None, 28, 28], tf.uint8)],
    )
    return [run(images[start : start + _FIT_BATCH]) for start in range(0, len(images), _FIT_BATCH)]


def fit_prototypes(codes: Floats, seed: int) -> Prototypes:
    """Cover codes (n, code_dim), n >= 2, with Gaussians after whitening.

    Each Gaussian is fitted to the codes that are least remote from it, and these are chosen anew, in turns.

    Raises:
        ValueError: If there are fewer than 2 codes, or one is not finite.
    """
    if len(codes) < 2 or not np.isfinite(codes).all():
        raise ValueError(f"got {len(codes)} codes to fit prototypes on, expected at least 2, all finite")
    centre, whitening = _fit_whitening(codes.astype(np.float64))
    whitened = (codes - centre) @ whitening
    count = max(1, min(_PROTOTYPES, len(codes) // _LEAST_CODES_PER_PROTOTYPE))
    starts = whitened[np.random.default_rng(seed).choice(len(codes), count, replace=False)]
    nearest = (np.square(starts).sum(axis=1) - 2 * whitened @ starts.T).argmin(axis=1)
    for _ in range(_PROTOTYPE_TURNS):
        means, factors, costs = _fit_gaussians(whitened, nearest)
        nearest = _remotenesses(whitened, means, factors, costs).argmin(axis=1)
    directions = np.concatenate(list(whitening @ factors), axis=1)
    offsets = np.einsum("pj,pjk->pk", means, factors).reshape(-1) + centre @ directions
    return Prototypes(directions.astype(np.float32), offsets.astype(np.float32), costs.astype(np.float32))


def _fit_whitening(codes: Doubles) -> tuple[Doubles, Doubles]:
    """The mean of codes and the matrix that gives them variance 1 in every direction that is alive."""
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(codes.T)))
    floor = max(variances.max() * _LEAST_RELATIVE_VARIANCE, _LEAST_VARIANCE)
    return codes.mean(axis=0), axes / np.sqrt(np.maximum(variances, floor))


def _fit_gaussians(whitened: Doubles, nearest: NDArray[np.intp]) -> tuple[Doubles, Doubles, Doubles]:
    """Means (p, d), factors (p, d, d) and costs (p,) of the groups that are not empty.

    The distance of a code from a mean is the length of their difference times the factor.
    """
    groups = [whitened[nearest == group] for group in np.unique(nearest)]
    means: Doubles = np.stack([group.mean(axis=0) for group in groups])
    noise = _PROTOTYPE_NOISE * np.eye(whitened.shape[1])
    covariances = [np.atleast_2d(np.cov(group.T, bias=True)) + noise for group in groups]
    factors = np.asarray(np.linalg.cholesky(np.linalg.inv(np.stack(covariances))), np.float64)
    log_volumes = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    shares = np.array([len(group) for group in groups]) / len(whitened)
    costs: Doubles = -np.log(shares) - log_volumes
    return means, factors, costs


def _remotenesses(whitened: Doubles, means: Doubles, factors: Doubles, costs: Doubles) -> Doubles:
    """Remoteness of each code from each prototype, (n, p)."""
    distances = [np.square((whitened - mean) @ factor).sum(axis=1) for mean, factor in zip(means, factors, strict=True)]
    return 0.5 * np.stack(distances, axis=1) + costs


def fit_surprise(values: Floats) -> Surprise:
    """Fit hinges to the measures of normal digits: (n, measures), n >= 2."""
    hinges = [_fit_hinges(column) for column in values.astype(np.float64).T]
    knots, bends = (np.stack(part) for part in zip(*hinges, strict=True))
    return Surprise(knots.astype(np.float32), (bends * _WEIGHTS[:, None]).astype(np.float32))


def _fit_hinges(values: Doubles) -> tuple[Doubles, Doubles]:
    """Knots and changes of slope of -log(share of values beyond), (hinges,) each."""
    deviation = max(float(values.std()), 1e-6)
    knots = np.quantile(values, _SHARES)
    widths = np.maximum(np.diff(knots), _LEAST_KNOT_WIDTH * deviation)
    excess = values[values > knots[-1]] - knots[-1]
    tail_scale = max(float(excess.sum()) / max(len(excess), 1), _LEAST_TAIL_SCALE * deviation)
    slopes = np.append(np.diff(-np.log1p(-_SHARES)) / widths, 1 / tail_scale)
    return knots, np.diff(slopes, prepend=0.0)
