"""The fit: every image once an epoch, reproducible, learning, and stopping when numbers go wrong."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.data.load import load_data, split_held_out  # noqa: E402  # beside the imports below
from training.errors import TrainingError  # noqa: E402  # beside the imports below
from training.fit.loop import Fitted, check_held_out, check_losses, epoch_order, fit, plan_calls  # noqa: E402  # needs TensorFlow
from training.fit.optimizer import TrainState, build_update, clip_scale, learning_rate  # noqa: E402  # needs TensorFlow
from training.recipes.base import (  # noqa: E402  # beside the imports above
    CorruptionConfig,
    Dose,
    FitConfig,
    OptimizerConfig,
    ResidualNetwork,
)

NETWORK = ResidualNetwork(code_dim=8, width=32, hidden=32, encoder_blocks=1, decoder_blocks=1)
OPTIMIZER = OptimizerConfig(
    learning_rate=2e-3, warm_up_steps=200, weight_decay=1e-4, beta_1=0.9, beta_2=0.99, clip_norm=1.0
)
CONFIG = FitConfig(
    batch_size=32,
    steps=60,
    optimizer=OPTIMIZER,
    average_decay=0.999,
    corruption=CorruptionConfig(
        gaussian=Dose(0.25, 0.1, 0.6),
        salt_and_pepper=Dose(0.125, 0.05, 0.35),
        dropped_cells=Dose(0.125, 0.05, 0.4),
        blur=Dose(0.125, 0.5, 1.5),
    ),
    watch_every_steps=25,
)


class Recorder:
    """Remembers what a fit reported."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.held_out: list[float] = []

    def advance(self, steps: int, loss: float) -> None:
        """Note the steps and their loss."""
        self.steps.append(steps)
        self.losses.append(loss)

    def show_held_out(self, error: float) -> None:
        """Note the error."""
        self.held_out.append(error)


@pytest.fixture(scope="module")
def digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Small digits to fit and held out."""
    return split_held_out(load_data("digits").train_images, 200)


def run_fit(
    digits: tuple[NDArray[np.uint8], NDArray[np.uint8]], config: FitConfig, seed: int = 0
) -> tuple[Fitted, Recorder]:
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
    assert [(0, 50), (50, 20), (70, 50), (120, 20), (140, 10)] == list(plan_calls(150, 70))


def test_fit_reports_every_step_and_watches_on_time(digits: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    """60 steps, watched every 25 and at the end."""
    fitted, recorder = run_fit(digits, CONFIG)

    assert [25, 25, 10] == recorder.steps
    assert 3 == len(recorder.held_out)
    assert recorder.held_out[-1] == fitted.held_out_error


def test_held_out_error_is_that_of_the_returned_model(digits: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    """The last partial batch counts, and the weights are the averaged ones that are returned."""
    fitted, _ = run_fit(digits, CONFIG)
    clean = digits[1].astype(np.float32) / 255

    error = np.square(fitted.autoencoder(clean).numpy() - clean).mean()

    assert pytest.approx(float(error), rel=1e-4) == fitted.held_out_error


def test_fit_learns_to_denoise(digits: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    """A few hundred steps bring the held-out error well below that of the mean image, the best constant."""
    fitted, _ = run_fit(digits, dataclasses.replace(CONFIG, steps=400, watch_every_steps=400))
    clean = digits[1] / 255
    mean_image_error = float(np.square(clean - clean.mean(axis=0)).mean())

    assert fitted.held_out_error < 0.7 * mean_image_error


def test_same_seed_gives_the_same_weights_bit_for_bit(digits: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    """A run can be repeated exactly; another seed is another run."""
    one, same, other = (run_fit(digits, CONFIG, seed)[0].autoencoder.weights() for seed in (4, 4, 5))

    assert all(np.array_equal(left, right) for left, right in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_fit_without_corruption_learns_too(digits: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    """A recipe may fit on clean images."""
    _, recorder = run_fit(digits, dataclasses.replace(CONFIG, corruption=None))

    assert recorder.held_out[-1] < recorder.held_out[0]


def test_fewer_images_than_a_batch_still_fit(digits: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    """A batch may hold several epochs."""
    _, recorder = run_fit((digits[0][:10], digits[1][:3]), CONFIG)

    assert np.isfinite(recorder.losses).all()


def test_exploding_fit_names_its_step(digits: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
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
def test_held_out_error_that_is_no_number_is_refused(error: float) -> None:
    """The last step may break the weights after its loss was taken."""
    with pytest.raises(TrainingError, match=f"the held-out error is {error} after step 60;"):
        check_held_out(error, done=60)
    assert 0.5 == check_held_out(0.5, done=60)


def test_weight_decay_shrinks_matrices_without_a_gradient() -> None:
    """One step takes rate times decay of a matrix and nothing of a bias."""
    weights = [tf.Variable([[2.0, -4.0]]), tf.Variable([3.0])]
    state = TrainState.start(weights, [tf.Variable(tf.zeros_like(weight)) for weight in weights])
    config = dataclasses.replace(CONFIG, optimizer=dataclasses.replace(OPTIMIZER, learning_rate=0.5, weight_decay=0.1))

    build_update(state, config)([tf.zeros_like(weight) for weight in weights], tf.constant(30.0))

    shrunk = 1 - 0.1 * float(learning_rate(config.optimizer, config.steps, tf.constant(30.0)))
    assert shrunk < 0.98
    np.testing.assert_allclose(weights[0].numpy(), [[2 * shrunk, -4 * shrunk]], rtol=1e-6)
    assert [3.0] == weights[1].numpy().tolist()


def test_learning_rate_rises_then_falls_to_zero() -> None:
    """200 steps of warm-up, the peak of 2e-3, a cosine to 0."""
    rate = [float(learning_rate(OPTIMIZER, 10_000, tf.constant(step, tf.float32))) for step in (0, 199, 5_000, 10_000)]

    assert pytest.approx([1e-5, 2e-3, 1e-3, 0], rel=2e-3, abs=1e-9) == rate


def test_short_fit_warms_up_for_a_fifth_of_it() -> None:
    """A fit of 100 steps reaches its peak rate too."""
    assert pytest.approx(2e-3, rel=0.1) == float(learning_rate(OPTIMIZER, 100, tf.constant(19.0)))


def test_only_large_gradients_are_clipped() -> None:
    """A global norm of 5 is brought to 1; one of 0.5 is left alone."""
    assert pytest.approx(0.2) == float(clip_scale([tf.constant([3.0]), tf.constant([[4.0]])], 1.0))
    assert 1.0 == float(clip_scale([tf.constant([0.3]), tf.constant([[0.4]])], 1.0))
