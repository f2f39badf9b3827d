"""What a fit writes for TensorBoard."""

from pathlib import Path

import numpy as np
import pytest
from support.small_fit import CONFIG, NETWORK, Recorder, load_parts

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.fit.loop import FitOptions, fit  # noqa: E402  # needs TensorFlow


def test_every_look_is_written_with_figures_and_pictures(tmp_path: Path) -> None:
    """Loss, watched error and step size as they were, and a picture of clean, noisy and reconstructed digits."""
    from tensorflow.python.summary.summary_iterator import summary_iterator

    parts, recorder = load_parts(), Recorder()
    fitted = fit(NETWORK, CONFIG, parts.fit, parts.watch, 0, recorder, FitOptions(log_dir=tmp_path))

    (file,) = tmp_path.glob("events.*")
    found = [(event.step, value) for event in summary_iterator(str(file)) for value in event.summary.value]
    told = {
        tag: [(step, float(tf.make_ndarray(value.tensor))) for step, value in found if value.tag == tag]
        for tag in ("loss", "watched_error", "learning_rate")
    }
    assert fitted.history.steps == [step for step, _ in told["watched_error"]]
    np.testing.assert_allclose(recorder.watched, [error for _, error in told["watched_error"]], rtol=1e-5)
    np.testing.assert_allclose(fitted.history.losses, [loss for _, loss in told["loss"]], rtol=1e-5)
    rates = [rate for _, rate in told["learning_rate"]]
    assert rates == sorted(rates, reverse=True)
    assert pytest.approx(0.0, abs=1e-9) == rates[-1]
    width, height, *pictures = tf.make_ndarray(next(value.tensor for _, value in found if "clean" in value.tag))
    assert (b"28", b"84") == (width, height)
    assert 16 == len(pictures)
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
