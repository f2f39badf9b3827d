"""The anomaly statistic: each measure, their fusion, and what it must never do."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.data import DigitData  # noqa: E402  # beside the imports below
from training.measures import reconstruction_error  # noqa: E402  # beside the imports below
from training.statistic import (  # noqa: E402  # needs TensorFlow
    MEASURES,
    build_view,
    fit_prototypes,
    fit_statistic,
    fit_surprise,
    measure_dissimilarity,
    round_pixels,
)


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
    # Of an exponential distribution the surprise is the value itself; the weights sum to 6.
    asked = np.array([0.0, 0.5, 1.0, 3.0, 5.0, 10.0], np.float32)

    totals = surprise.total(tf.constant(np.repeat(asked[:, None], len(MEASURES), axis=1))).numpy()

    np.testing.assert_allclose(totals / 6, asked, rtol=0.1, atol=0.01)


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
