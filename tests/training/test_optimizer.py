"""The update: decay of matrices alone, step sizes over a fit, clipping, and both rules against Keras' own."""

import dataclasses

import numpy as np
import pytest
from support.small_fit import CONFIG, OPTIMIZER

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.fit.optimizer import build_update, clip_scale, learning_rate  # noqa: E402  # needs TensorFlow
from training.fit.state import TrainState  # noqa: E402  # needs TensorFlow
from training.recipes.base import OptimizerConfig  # noqa: E402  # beside the imports above


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


def test_constant_schedule_stays_at_the_peak() -> None:
    """Without warm-up every step has the full size, the first and the last one too."""
    config = OptimizerConfig(learning_rate=1e-2)

    assert pytest.approx([1e-2] * 3) == [
        float(learning_rate(config, 100, tf.constant(step))) for step in (0.0, 50.0, 99.0)
    ]


@pytest.mark.parametrize("rule", ["adamw", "rmsprop"])
def test_rules_step_as_keras_does(rule: str) -> None:
    """Five steps with the same gradients end at the same weights as Keras' Adam and RMSprop."""
    import keras

    config = OptimizerConfig(learning_rate=1e-2, beta_2=0.9, rule=rule)  # type: ignore[arg-type]  # one of both
    theirs = {
        "adamw": lambda: keras.optimizers.Adam(1e-2, beta_2=0.9, epsilon=1e-8),
        "rmsprop": lambda: keras.optimizers.RMSprop(1e-2, rho=0.9, epsilon=1e-16),
    }[rule]()
    start = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
    weight, other = tf.Variable(start), keras.Variable(start)
    state = TrainState.start([weight], [tf.Variable(tf.zeros_like(weight))])
    update = build_update(state, dataclasses.replace(CONFIG, optimizer=config))

    for step in range(5):
        gradient = tf.constant(np.random.default_rng(step).normal(size=(2, 2)), tf.float32)
        update([gradient], tf.constant(float(step)))
        theirs.apply([gradient], [other])

    np.testing.assert_allclose(other.numpy(), weight.numpy(), rtol=2e-5)


def test_no_averaging_exports_the_weights_as_they_are() -> None:
    """A decay of 0 makes the averages a copy after each step."""
    weight = tf.Variable([[2.0]])
    state = TrainState.start([weight], [tf.Variable([[0.0]])])

    build_update(state, dataclasses.replace(CONFIG, average_decay=0.0))([tf.constant([[1.0]])], tf.constant(30.0))

    assert weight.numpy() == state.averages[0].numpy()
    assert 2.0 != float(weight.numpy()[0, 0])
