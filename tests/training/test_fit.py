"""The fit: every image once an epoch, reproducible, learning, and stopping when numbers go wrong."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from support.small_fit import CONFIG, NETWORK, OPTIMIZER, Recorder, load_parts

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.errors import TrainingError  # noqa: E402  # beside the imports below
from training.fit.loop import Fitted, fit  # noqa: E402  # needs TensorFlow
from training.fit.order import epoch_order, plan_calls  # noqa: E402  # beside the imports around
from training.fit.watch import check_losses, check_watched  # noqa: E402  # needs TensorFlow
from training.recipes.base import FitConfig  # noqa: E402  # beside the imports above

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@pytest.fixture(scope="module")
def digits() -> Pair:
    """Small digits to fit and to watch."""
    parts = load_parts()
    return parts.fit, parts.calibration


def run_fit(digits: Pair, config: FitConfig, seed: int = 0) -> tuple[Fitted, Recorder]:
    """A short fit and what it reported."""
    recorder = Recorder()
    return fit(NETWORK, config, *digits, seed, recorder), recorder


def test_every_image_is_seen_once_an_epoch() -> None:
    """Each epoch is a permutation of all images, and no two epochs are alike."""
    order = epoch_order(images=100, first=0, count=300, seed=0).reshape(3, 100)

    assert all(list(range(100)) == sorted(epoch) for epoch in order.tolist())
    assert 3 == len({tuple(epoch) for epoch in order.tolist()})


def test_any_part_of_the_order_is_the_same_as_in_the_whole() -> None:
    """A resumed fit goes on where it stopped, also within an epoch and across several."""
    whole = epoch_order(images=100, first=0, count=400, seed=5)

    assert np.array_equal(whole[90:310], epoch_order(images=100, first=90, count=220, seed=5))
    assert np.array_equal(whole[200:300], epoch_order(images=100, first=200, count=100, seed=5))


def test_seed_changes_the_order() -> None:
    """Another seed shows the images in another order."""
    assert not np.array_equal(epoch_order(100, 0, 100, seed=0), epoch_order(100, 0, 100, seed=1))


def test_calls_end_at_every_watch_step() -> None:
    """A fit is cut into calls of at most 50 steps that leave out none."""
    assert [(0, 50), (50, 20), (70, 50), (120, 20), (140, 10)] == list(plan_calls(0, 150, 70))


def test_fit_reports_every_step_and_watches_on_time(digits: Pair) -> None:
    """60 steps, watched every 25 and at the end."""
    fitted, recorder = run_fit(digits, CONFIG)

    assert [25, 25, 10] == recorder.steps
    assert 3 == len(recorder.watched)
    assert pytest.approx(recorder.watched[-1]) == fitted.watched_error


def test_watched_error_is_that_of_the_returned_model(digits: Pair) -> None:
    """The last partial batch counts, and the weights are the averaged ones that are returned."""
    fitted, _ = run_fit(digits, CONFIG)
    clean = digits[1].astype(np.float32) / 255

    error = np.square(fitted.autoencoder(clean).numpy() - clean).mean()

    assert pytest.approx(float(error), rel=1e-4) == fitted.watched_error


def test_fit_learns_to_denoise(digits: Pair) -> None:
    """A few hundred steps bring the watched error well below that of the mean image, the best constant."""
    fitted, _ = run_fit(digits, dataclasses.replace(CONFIG, steps=400, watch_every_steps=400))
    clean = digits[1] / 255
    mean_image_error = float(np.square(clean - clean.mean(axis=0)).mean())

    assert fitted.watched_error < 0.7 * mean_image_error


def test_same_seed_gives_the_same_weights_bit_for_bit(digits: Pair) -> None:
    """A run can be repeated exactly; another seed is another run."""
    one, same, other = (run_fit(digits, CONFIG, seed)[0].autoencoder.weights() for seed in (4, 4, 5))

    assert all(np.array_equal(left, right) for left, right in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_fit_without_corruption_learns_too(digits: Pair) -> None:
    """A recipe may fit on clean images."""
    _, recorder = run_fit(digits, dataclasses.replace(CONFIG, corruption=None))

    assert recorder.watched[-1] < recorder.watched[0]


def test_fewer_images_than_a_batch_still_fit(digits: Pair) -> None:
    """A batch may hold several epochs."""
    _, recorder = run_fit((digits[0][:10], digits[1][:3]), CONFIG)

    assert np.isfinite(recorder.losses).all()


def test_exploding_fit_names_its_step(digits: Pair) -> None:
    """Numbers that cannot be used never reach the export."""
    broken = dataclasses.replace(CONFIG, optimizer=dataclasses.replace(OPTIMIZER, learning_rate=float("inf")))

    with pytest.raises(TrainingError, match="the loss is nan at step 2;"):
        run_fit(digits, broken)


def test_step_of_the_first_bad_loss_is_named() -> None:
    """Steps are counted from 1 over the whole fit."""
    with pytest.raises(TrainingError, match="the loss is inf at step 103;"):
        check_losses(np.array([0.1, 0.2, np.inf, np.nan], np.float32), first=100)


def test_good_losses_are_averaged() -> None:
    """What is shown is the mean over the steps of a call."""
    assert pytest.approx(0.2) == check_losses(np.array([0.1, 0.3], np.float32), first=0)


@pytest.mark.parametrize("error", [float("nan"), float("inf")])
def test_watched_error_that_is_no_number_is_refused(error: float) -> None:
    """The last step may break the weights after its loss was taken."""
    with pytest.raises(TrainingError, match=f"the watched error is {error} after step 60;"):
        check_watched(error, done=60)
    assert 0.5 == check_watched(0.5, done=60)


def test_calls_go_on_from_any_step() -> None:
    """What is left of a fit is cut at the same looks."""
    assert [(93, 47), (140, 10)] == list(plan_calls(93, 150, 70))


def test_history_has_a_row_for_each_look(digits: Pair) -> None:
    """Steps done, the mean loss since the look before, and the watched error."""
    fitted, recorder = run_fit(digits, CONFIG)

    assert [25, 50, 60] == fitted.history.steps
    assert pytest.approx(recorder.losses, rel=1e-5) == fitted.history.losses
    assert pytest.approx(recorder.watched, rel=1e-5) == fitted.history.watched_errors


def test_patience_ends_the_fit_and_keeps_the_best(digits: Pair) -> None:
    """Weights that only get worse after a look are not what is exported, and the steps are saved."""
    rising = dataclasses.replace(OPTIMIZER, learning_rate=0.3, schedule="constant", warm_up_steps=0, clip_norm=None)
    config = dataclasses.replace(CONFIG, steps=2_000, watch_every_steps=20, patience=2, optimizer=rising)

    fitted, recorder = run_fit(digits, config)

    best = int(np.argmin(recorder.watched))
    assert best + 2 == len(recorder.watched) - 1 < 99
    assert pytest.approx(min(recorder.watched), rel=1e-5) == fitted.watched_error
    clean = digits[1].astype(np.float32) / 255
    error = np.square(fitted.autoencoder(clean).numpy() - clean).mean()
    assert pytest.approx(fitted.watched_error, rel=1e-3) == float(error)
