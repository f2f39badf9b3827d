"""A fit that writes down what its code does at every step; for dense networks, on one device, without an export."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.data.readers import Images
from training.data.split import Parts
from training.evaluation.measures import count_dead_units
from training.fit.losses import image_losses
from training.fit.optimizer import build_update
from training.fit.order import STEPS_PER_CALL, epoch_order
from training.fit.state import TrainState
from training.fit.watch import check_losses
from training.networks.autoencoder import Autoencoder
from training.networks.build import build_autoencoder
from training.recipes.base import DenseNetwork, FitConfig

Floats = NDArray[np.float32]

# Every one of the first steps is looked at: the large ones happen there.
_FIRST_LOOKS = 10
_LATER_LOOKS = 60


class Start(NamedTuple):
    """How a fit begins.

    Attributes:
        weights: Initial weights, in the order of `Autoencoder.weights`; None to draw them from the seed.
        mean_square: What the optimiser's mean squared gradients start at.
    """

    weights: list[Floats] | None = None
    mean_square: float = 0.0


class Traced(NamedTuple):
    """What a traced fit leaves behind.

    Attributes:
        looks: Steps done at each look, rising from 0 to the end.
        dead_units: At each look, how many units of the code say the same of every watched image.
        watched_errors: At each look, the mean squared error on the watched images.
        silent_units: For each step, code units whose gradient was exactly 0; int64 (steps,).
        mean_inputs: For each step, what code units got before their activation, the mean over a batch; (steps,).
        largest_inputs: For each step, the largest that one of them got; (steps,).
        largest_changes: For each step, the largest change of a weight of the code's layer; (steps,).
        weights: At the end, in the order of `Autoencoder.weights`.
    """

    looks: list[int]
    dead_units: list[int]
    watched_errors: list[float]
    silent_units: NDArray[np.int64]
    mean_inputs: Floats
    largest_inputs: Floats
    largest_changes: Floats
    weights: list[Floats]


def trace_fit(network: DenseNetwork, config: FitConfig, parts: Parts, seed: int, start: Start | None = None) -> Traced:
    """Fit as `training.fit.loop.fit` does, to the same weights, and look closely.

    Args:
        network: What to build; at least one hidden layer before the code.
        config: How to fit it; without averages of the weights.
        parts: `fit` is fitted to, `watch` is looked at.
        seed: Decides initial weights and order.
        start: How to begin otherwise than from fresh weights.

    Raises:
        TrainingError: If a loss is NaN or infinite.
    """
    live = build_autoencoder(network, seed)
    state = _start(live, build_autoencoder(network, seed), start or Start())
    run_steps = _build_steps(live, state, network, config, parts.fit)
    looks = plan_looks(config.steps)
    seen, rows = [look_at(live, parts.watch)], []
    for first, last in pairwise(looks):
        for begin, count in _plan_calls(first, last):
            order = epoch_order(len(parts.fit), begin * config.batch_size, count * config.batch_size, seed)
            batches = tf.constant(order.reshape(count, config.batch_size))
            rows.append(run_steps(batches, tf.constant(begin, tf.int64)).numpy())
            check_losses(rows[-1][:, 0], begin)
        seen.append(look_at(live, parts.watch))
    dead_units, errors = zip(*seen, strict=True)
    _, silent, mean_inputs, largest_inputs, largest_changes = np.concatenate(rows).T
    return Traced(
        looks=looks,
        dead_units=list(dead_units),
        watched_errors=list(errors),
        silent_units=silent.astype(np.int64),
        mean_inputs=mean_inputs,
        largest_inputs=largest_inputs,
        largest_changes=largest_changes,
        weights=[weight.numpy() for weight in live.weights()],
    )


def plan_looks(steps: int) -> list[int]:
    """When to look, in steps done: every one at first, then ever more seldom; 0 and `steps` are among them."""
    later = np.geomspace(min(_FIRST_LOOKS, steps), steps, _LATER_LOOKS).round().astype(int).tolist()
    return sorted({*range(min(_FIRST_LOOKS, steps) + 1), *later})


def look_at(autoencoder: Autoencoder, images: Images) -> tuple[int, float]:
    """Dead units of the code and mean squared error, of uint8 images (n, 28, 28) in one batch."""
    pixels = images.astype(np.float32) / 255
    codes = autoencoder.encoder(pixels)
    error = np.square(autoencoder.decoder(codes).numpy() - pixels).mean()
    return count_dead_units(codes.numpy()), float(error)


def _start(live: Autoencoder, averaged: Autoencoder, start: Start) -> TrainState:
    if start.weights is not None:
        for variable, weight in zip(live.weights(), start.weights, strict=True):
            variable.assign(weight)
    state = TrainState.start(live.weights(), averaged.weights())
    for squares in state.second_moments:
        squares.assign(tf.fill(squares.shape, start.mean_square))
    return state


def _plan_calls(first: int, last: int) -> Iterator[tuple[int, int]]:
    for begin in range(first, last, STEPS_PER_CALL):
        yield begin, min(STEPS_PER_CALL, last - begin)


def _build_steps(
    live: Autoencoder, state: TrainState, network: DenseNetwork, config: FitConfig, fit_images: Images
) -> Callable[[Any, Any], Any]:
    """A graph of many steps: `run(order int32 (k, batch_size), first_step)` -> float32 (k, 5).

    A row is loss, silent units, mean and largest input of the code's units, largest change of their weights.
    """
    pixels, update = tf.constant(fit_images), build_update(state, config)
    before_code = keras.Model(live.encoder.input, live.encoder.layers[-2].output)
    place = 2 * len(network.widths) - 2  # a kernel and a bias for each layer; the code's is the encoder's last
    kernel, bias = state.weights[place : place + 2]

    def take_step(indices: Any, step: Any) -> Any:
        clean = tf.cast(tf.gather(pixels, indices), tf.float32) / 255
        inputs = before_code(clean) @ kernel + bias
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(image_losses(live, config.loss, clean, clean, tf.zeros(2, tf.int32)))
        gradients = tape.gradient(loss, state.weights)
        is_silent = tf.reduce_all(gradients[place] == 0, axis=0) & (gradients[place + 1] == 0)
        before = tf.identity(kernel)
        update(gradients, tf.cast(step, tf.float32))
        silent = tf.reduce_sum(tf.cast(is_silent, tf.float32))
        change = tf.reduce_max(tf.abs(kernel - before))
        return tf.stack([loss, silent, tf.reduce_mean(inputs), tf.reduce_max(inputs), change])

    def run(order: Any, first_step: Any) -> Any:
        count = tf.shape(order)[0]
        rows = tf.TensorArray(tf.float32, count)
        for row in tf.range(count):
            rows = rows.write(row, take_step(order[row], first_step + tf.cast(row, tf.int64)))
        return rows.stack()

    shapes = [tf.TensorSpec((None, config.batch_size), tf.int32), tf.TensorSpec((), tf.int64)]
    compiled: Callable[[Any, Any], Any] = tf.function(run, input_signature=shapes)
    return compiled
