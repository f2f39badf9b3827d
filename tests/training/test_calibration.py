"""The calibrated score: its promise, its tail, its bounds."""

import numpy as np
import pytest
from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.anomaly.calibration import fit_calibration  # noqa: E402  # needs TensorFlow


def _score(calibrating: list[float], asked: list[float]) -> NDArray[np.float32]:
    calibration = fit_calibration(np.array(calibrating, np.float32))
    return np.asarray(calibration.score(tf.constant(asked, tf.float32)).numpy())


def test_score_is_the_share_of_smaller_calibration_statistics() -> None:
    """Of m = 4 sorted statistics, equal ones do not count as smaller; the divisor is m + 1."""
    scores = _score([4.0, 1.0, 2.0, 3.0], [0.0, 1.0, 1.5, 3.0, 4.0])

    assert np.array_equal(np.array([0, 0, 0.2, 0.4, 0.6], np.float32), scores)


def test_score_grows_strictly_beyond_the_largest_statistic() -> None:
    """The strangest images keep their order, above m / (m + 1) and below 1."""
    calibrating = np.linspace(0, 1, 4999).tolist()
    scores = _score(calibrating, (1 + np.geomspace(1e-3, 5, 40)).tolist())

    assert np.all(np.diff(scores) > 0)
    assert 4999 / 5000 <= scores.min()
    assert scores.max() < 1


def test_score_never_falls_and_stays_within_bounds() -> None:
    """From far below to infinity the score rises from 0 to the largest float32 below 1."""
    asked = np.sort(np.concatenate([np.linspace(-9, 6, 2000), np.geomspace(6, 3e38, 100), [np.inf]]))
    scores = _score(np.random.default_rng(0).normal(size=500).tolist(), asked.tolist())

    assert np.all(np.diff(scores) >= 0)
    assert (0, np.nextafter(np.float32(1), np.float32(0))) == (scores.min(), scores.max())


@pytest.mark.parametrize("threshold", [0.5, 0.9, 0.95, 0.99])
def test_exchangeable_images_keep_the_promise(threshold: float) -> None:
    """Over many calibrations of 99 statistics at most 1 - threshold of new ones score higher."""
    generator = np.random.default_rng(7)
    draws = generator.exponential(size=(400, 199)).astype(np.float32)
    alarms = [_score(draw[:99].tolist(), draw[99:].tolist()).astype(np.float64) > threshold for draw in draws]

    assert np.mean(alarms) <= (1 - threshold) * 1.1


def test_equal_statistics_still_leave_a_finite_tail() -> None:
    """Where all held-out images are alike, anything beyond is stranger, and nothing is NaN."""
    scores = _score([2.0, 2.0, 2.0], [1.0, 2.0, 2.1, 3.0])

    assert [0.0, 0.0] == scores[:2].tolist()
    assert 0.75 < scores[2] < scores[3] < 1


@pytest.mark.parametrize("statistics", [[], [1.0, float("nan")], [float("inf")]])
def test_statistics_that_calibrate_nothing_are_refused(statistics: list[float]) -> None:
    """No statistics, or some that are not finite, promise nothing."""
    with pytest.raises(ValueError, match="expected at least 1, all finite"):
        fit_calibration(np.array(statistics, np.float32))
