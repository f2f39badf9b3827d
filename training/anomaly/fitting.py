"""Fits the anomaly statistic to normal digits, and calibrates it on others; NumPy but for the looks at the networks."""

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.anomaly.calibration import fit_calibration
from training.anomaly.statistic import AnomalyStatistic, Prototypes, Surprise, measure
from training.anomaly.view import View, build_view

if TYPE_CHECKING:
    from training.networks.autoencoder import Autoencoder

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Error and code tell most, and different things. Compared on the ten strange sets made of held-out digits: mean AUROC
# .9936, with 1.5 for the code .9930; 2.5 helps flipped digits and costs half erased and overlaid ones.
_WEIGHTS = np.array([1.5, 1.0, 2.0, 1.0, 1.0])

# 24 x code_dim x code_dim floats are 98 kB at 32, and the default version has room for no more; mean AUROC as above
# .9934 with 16, .9939 with 32.
_PROTOTYPES = 24
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
