"""The anomaly statistic: each measure, their fusion, and what it must never do."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.anomaly.fitting import fit_prototypes, fit_statistic, fit_surprise  # noqa: E402  # needs TensorFlow
from training.anomaly.statistic import MEASURES, measure_dissimilarity  # noqa: E402  # needs TensorFlow
from training.anomaly.view import build_view, round_pixels  # noqa: E402  # needs TensorFlow
from training.data.load import DigitData  # noqa: E402  # beside the imports below
from training.evaluation.measures import reconstruction_error  # noqa: E402  # beside the imports below

Doubles = NDArray[np.float64]


def test_error_is_that_of_the_returned_picture(autoencoder: Any, all_kinds: NDArray[np.uint8]) -> None:
    """A client who compares the image with the rounded picture gets the error that was returned."""
    view = build_view(autoencoder, tf.constant(all_kinds))
    expected = reconstruction_error(all_kinds, view.reconstructions.numpy()).astype(np.float32)

    np.testing.assert_allclose(view.errors.numpy(), expected, rtol=2e-7)


def test_pictures_are_rounded_and_cut_off() -> None:
    """Half a level rounds to even, values outside [0, 1] do not wrap around."""
    pictures = tf.constant([[[-0.5, 0.0, 1.4 / 255, 1.6 / 255, 1.0, 7.0]]])

    assert [0, 0, 1, 2, 255, 255] == round_pixels(pictures).numpy().ravel().tolist()


def test_equal_pictures_are_not_dissimilar(all_kinds: NDArray[np.uint8]) -> None:
    """The structural dissimilarity of a picture with itself is 0, of an empty page with noise nearly 1."""
    pixels = tf.constant(all_kinds / np.float32(255))
    empty_and_noise = measure_dissimilarity(pixels[10:11], pixels[30:31]).numpy()

    np.testing.assert_allclose(measure_dissimilarity(pixels, pixels).numpy(), 0, atol=1e-5)
    assert 0.9 < empty_and_noise[0] <= 2


def test_codes_far_from_all_prototypes_are_remote() -> None:
    """Codes of two clouds are near, what lies between or beyond them is remote."""
    generator = np.random.default_rng(0)
    clouds = generator.normal(size=(600, 3)) + 20 * (np.arange(600) % 2)[:, None]
    prototypes = fit_prototypes(clouds.astype(np.float32), seed=0)

    remoteness = prototypes.remoteness(tf.constant([[0.0] * 3, [20.0] * 3, [10.0] * 3, [60.0] * 3])).numpy()

    assert max(remoteness[:2]) < min(remoteness[2:])
    assert remoteness[2] < remoteness[3]


def test_prototypes_survive_dead_code_units() -> None:
    """Units that never move neither break the fit nor blow up."""
    codes = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    codes[:, 2:] = 0
    for fitted_on in (codes, np.zeros((500, 4), np.float32)):
        prototypes = fit_prototypes(fitted_on, seed=0)

        assert np.isfinite(prototypes.remoteness(tf.constant(codes)).numpy()).all()


def test_codes_that_are_not_finite_are_refused() -> None:
    """A network whose training exploded gets no statistic."""
    with pytest.raises(ValueError, match="expected at least 2, all finite"):
        fit_prototypes(np.full((10, 2), np.nan, np.float32), seed=0)


def test_surprise_is_minus_log_of_the_share_beyond() -> None:
    """The median of all measures is a surprise of log 2 each, times the weights, and the tail is straight."""
    column = np.random.default_rng(0).exponential(size=20_000).astype(np.float32)
    surprise = fit_surprise(np.repeat(column[:, None], len(MEASURES), axis=1))
    # Of an exponential distribution the surprise is the value itself; the weights sum to 6.5.
    asked = np.array([0.0, 0.5, 1.0, 3.0, 5.0, 10.0], np.float32)

    totals = surprise.total(tf.constant(np.repeat(asked[:, None], len(MEASURES), axis=1))).numpy()

    np.testing.assert_allclose(totals / 6.5, asked, rtol=0.1, atol=0.01)


def _dissimilarities(pixels: Doubles, pictures: Doubles) -> Doubles:
    """1 - mean structural similarity over 7x7 boxes, three pixels apart: box by box, as Wang et al. wrote it."""
    similarities = []
    for top in range(0, 22, 3):
        for left in range(0, 22, 3):
            one, other = (part[:, top : top + 7, left : left + 7].reshape(len(part), -1) for part in (pixels, pictures))
            means = one.mean(axis=1), other.mean(axis=1)
            covariance = ((one - means[0][:, None]) * (other - means[1][:, None])).mean(axis=1)
            luminance = (2 * means[0] * means[1] + 1e-4) / (means[0] ** 2 + means[1] ** 2 + 1e-4)
            structure = (2 * covariance + 9e-4) / (one.var(axis=1) + other.var(axis=1) + 9e-4)
            similarities.append(luminance * structure)
    return np.asarray(1 - np.mean(similarities, axis=0), np.float64)


def _surprises(normal: Doubles, asked: Doubles) -> Doubles:
    """-log of the share of normal values beyond, read off a curve between quantiles and straight after the last."""
    shares = np.concatenate([np.linspace(0, 0.9, 37), 1 - np.geomspace(0.1, 0.005, 20)[1:]])
    knots, heights = np.quantile(normal, shares), -np.log(1 - shares)
    scale = (normal[normal > knots[-1]] - knots[-1]).mean()
    tail = np.maximum(asked - knots[-1], 0) / scale
    return np.asarray(np.interp(asked, knots, heights) + tail, np.float64)


def test_statistic_is_the_weighted_sum_of_five_surprises(
    autoencoder: Any, statistic: Any, small_digits: DigitData
) -> None:
    """Error, dissimilarity, remoteness and both sides of the ink, worked out picture by picture in float64."""

    def measure_directly(images: NDArray[np.uint8]) -> Doubles:
        pixels = images / 255.0
        codes = autoencoder.encoder(pixels.astype(np.float32))
        pictures = autoencoder.decoder(codes).numpy().astype(np.float64)
        errors = np.square(pixels - np.rint(pictures * 255) / 255).mean(axis=(1, 2))
        remoteness = statistic.prototypes.remoteness(codes).numpy()  # has tests of its own
        ink = pixels.mean(axis=(1, 2))
        return np.stack([errors, _dissimilarities(pixels, pictures), remoteness, ink, -ink])

    normal = measure_directly(small_digits.train_images[:-300])
    asked = small_digits.test_images[:100].copy()
    asked[:30] //= 2
    asked[30:60] = np.maximum(asked[30:60], asked[60:90])
    surprises = np.array([_surprises(*columns) for columns in zip(normal, measure_directly(asked), strict=True)])
    expected = np.array([1.5, 1.0, 2.0, 1.0, 1.0]) @ surprises

    found = statistic.statistics(build_view(autoencoder, tf.constant(asked))).numpy()

    assert (surprises.max(axis=1) > 3).all(), "each measure should be put to the test"
    np.testing.assert_allclose(found, expected, rtol=5e-3, atol=0.02)


def _remoteness_of_gaussians(codes: Doubles, groups: list[Doubles]) -> Doubles:
    """Negative log likelihood under the likeliest of one Gaussian for each group, after whitening by Cholesky."""
    everything = np.concatenate(groups)
    whitening = np.linalg.inv(np.linalg.cholesky(np.cov(everything.T))).T
    costs = []
    for group in groups:
        whitened = (group - everything.mean(axis=0)) @ whitening
        covariance = np.cov(whitened.T, bias=True) + 0.1 * np.eye(codes.shape[1])
        away = (codes - everything.mean(axis=0)) @ whitening - whitened.mean(axis=0)
        distance = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
        costs.append(distance / 2 + np.linalg.slogdet(covariance)[1] / 2 - np.log(len(group) / len(everything)))
    return np.asarray(np.min(costs, axis=0), np.float64)


def test_remoteness_is_that_of_whitened_gaussians() -> None:
    """Two clouds of unlike size, width and direction: distance, volume and share count as in a likelihood."""
    generator = np.random.default_rng(3)
    wide = generator.normal(size=(120, 3)) @ np.array([[3.0, 1.0, 0.0], [0.0, 0.5, 0.2], [0.0, 0.0, 2.0]])
    narrow = 30 + 0.3 * generator.normal(size=(40, 3))
    codes = np.concatenate([wide, narrow])
    asked = np.concatenate([codes, generator.normal(size=(50, 3)) * 30])
    first_starts_apart = next(
        seed for seed in range(99) if 1 == sum(np.random.default_rng(seed).choice(160, 2, replace=False) >= 120)
    )

    found = fit_prototypes(codes.astype(np.float32), first_starts_apart).remoteness(tf.constant(asked, tf.float32))

    np.testing.assert_allclose(found.numpy(), _remoteness_of_gaussians(asked, [wide, narrow]), rtol=1e-3, atol=1e-3)


def test_statistic_is_finite_for_any_image(codec: Any, all_kinds: NDArray[np.uint8]) -> None:
    """Empty, full and noisy images get finite errors and scores between 0 and 1."""
    answer = {name: output.numpy() for name, output in codec.reconstruct(tf.constant(all_kinds)).items()}

    assert all(np.isfinite(answer[name]).all() for name in ("codes", "errors", "anomaly_scores"))
    assert 0 <= answer["anomaly_scores"].min() <= answer["anomaly_scores"].max() <= 1


def test_blank_image_is_stranger_than_nearly_all_digits(codec: Any, small_digits: DigitData) -> None:
    """The one image that plain squared error calls the most normal of all is an anomaly."""
    scores = codec.reconstruct(tf.zeros([1, 28, 28], tf.uint8))["anomaly_scores"].numpy()
    digits = codec.reconstruct(tf.constant(small_digits.test_images))["anomaly_scores"].numpy()

    assert np.mean(digits < scores[0]) > 0.99


def test_equal_seeds_fit_equal_statistics(autoencoder: Any, statistic: Any, small_digits: DigitData) -> None:
    """The calibration of a training can be repeated."""
    images = small_digits.train_images
    again = fit_statistic(autoencoder, images[:-300], images[-300:], seed=0)

    assert np.array_equal(statistic.calibration.ordered, again.calibration.ordered)
    assert statistic.calibration.tail_scale == again.calibration.tail_scale


def test_held_out_digits_are_ranked_uniformly(codec: Any, small_digits: DigitData) -> None:
    """Digits from the same drawer as the calibration's raise about as many alarms as promised."""
    scores = codec.reconstruct(tf.constant(small_digits.test_images))["anomaly_scores"].numpy()

    assert np.mean(scores > 0.5) == pytest.approx(0.5, abs=0.15)
    assert np.mean(scores > 0.9) < 0.2
