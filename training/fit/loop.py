"""Fit an autoencoder to images: a compiled loop of many steps; knows no files and no statistics."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.corruption import corrupt_batch
from training.errors import TrainingError
from training.fit.optimizer import TrainState, build_update
from training.fit.progress import Progress
from training.networks.autoencoder import Autoencoder
from training.networks.build import build_autoencoder
from training.recipes.base import FitConfig, NetworkConfig

# Steps in one call of the graph: few returns to Python, and Ctrl-C waits about a second for the end of one.
STEPS_PER_CALL = 50
# Images in one forward pass over held-out digits; more gains nothing and costs memory.
_WATCH_BATCH = 1000

Images = NDArray[np.uint8]
RunSteps = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves behind.

    Attributes:
        autoencoder: The model, with the averaged weights.
        held_out_error: Its mean squared error on the held-out images; finite.
    """

    autoencoder: Autoencoder
    held_out_error: float


def fit(
    network: NetworkConfig,
    config: FitConfig,
    fit_images: Images,
    held_out: Images,
    seed: int,
    progress: Progress,
) -> Fitted:
    """Build a model and fit it; the same arguments give the same weights on the same machine.

    Args:
        network: What to build.
        config: How to fit it.
        fit_images: uint8 (n, 28, 28), n >= 1; every one is seen once an epoch.
        held_out: uint8 (m, 28, 28), m >= 1; only watched.
        seed: 0 .. 2**31 - 1; decides the initial weights, the order and the noise.
        progress: Is told how it goes.

    Raises:
        TrainingError: If the loss or the held-out error is NaN or infinite.
    """
    live, averaged = build_autoencoder(network, seed), build_autoencoder(network, seed)
    state = TrainState.start(live.weights(), averaged.weights())
    run_steps = build_loop(live, state, config, fit_images, seed)
    watch = build_watch(averaged, held_out)
    held_out_error = math.nan
    for first, count in plan_calls(config.steps, config.watch_every_steps):
        order = epoch_order(len(fit_images), first * config.batch_size, count * config.batch_size, seed)
        losses = run_steps(tf.constant(order.reshape(count, config.batch_size)), state.step)
        state.step.assign_add(count)
        progress.advance(count, check_losses(losses.numpy(), first))
        if is_watch_step(first + count, config):
            held_out_error = check_held_out(watch(), first + count)
            progress.show_held_out(held_out_error)
    return Fitted(averaged, held_out_error)


def plan_calls(steps: int, watch_every: int) -> Iterator[tuple[int, int]]:
    """Cut a fit into calls of the graph, (first step, number of steps), that end at every watch step."""
    first = 0
    while first < steps:
        to_watch = watch_every - first % watch_every
        count = min(STEPS_PER_CALL, steps - first, to_watch)
        yield first, count
        first += count


def is_watch_step(done: int, config: FitConfig) -> bool:
    """True where the held-out error is due: every `watch_every_steps`, and at the end."""
    return done % config.watch_every_steps == 0 or done == config.steps


def epoch_order(images: int, first: int, count: int, seed: int) -> NDArray[np.int32]:
    """Places `first` .. `first + count - 1` in the endless order in which a fit sees its images.

    The order is one permutation of all images after another, each drawn from (seed, epoch) alone; so any
    part of it can be had without what came before, which is what resuming needs.
    """
    epochs = range(first // images, (first + count - 1) // images + 1)
    order = [np.random.default_rng((seed, epoch)).permutation(images) for epoch in epochs]
    start = first - epochs[0] * images
    return np.concatenate(order)[start : start + count].astype(np.int32)


def build_loop(live: Autoencoder, state: TrainState, config: FitConfig, fit_images: Images, seed: int) -> RunSteps:
    """A graph that takes many steps: `run(order, first_step)` -> losses float32 (k,).

    `order` is int32 (k, batch_size), indices of images; `first_step` is int64. All images lie in the graph
    as one uint8 tensor, so that a step costs no copy from Python. The last word on `state.step` is the caller's.
    """
    pixels = tf.constant(fit_images)
    update = build_update(state, config)

    def take_step(indices: Any, step: Any) -> Any:
        clean = tf.cast(tf.gather(pixels, indices), tf.float32) / 255
        noisy = _corrupt(clean, config, tf.stack([seed, tf.cast(step, tf.int32)]))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(live(noisy, training=True) - clean))
        update(tape.gradient(loss, state.weights), tf.cast(step, tf.float32))
        return loss

    def run(order: Any, first_step: Any) -> Any:
        count = tf.shape(order)[0]
        losses = tf.TensorArray(tf.float32, count)
        for place in tf.range(count):
            loss = take_step(order[place], first_step + tf.cast(place, tf.int64))
            losses = losses.write(place, loss)
        return losses.stack()

    shapes = [tf.TensorSpec((None, config.batch_size), tf.int32), tf.TensorSpec((), tf.int64)]
    compiled: RunSteps = tf.function(run, input_signature=shapes)
    return compiled


def build_watch(autoencoder: Autoencoder, images: Images) -> Callable[[], float]:
    """A function that computes the mean squared error over all of `images`, uint8 (n, 28, 28), as it is now."""
    summed = tf.function(
        lambda clean: tf.reduce_sum(tf.square(autoencoder(clean) - clean)),
        input_signature=[tf.TensorSpec((None, *images.shape[1:]), tf.float32)],
        autograph=False,
    )

    def watch() -> float:
        batches = (images[start : start + _WATCH_BATCH] for start in range(0, len(images), _WATCH_BATCH))
        return sum(float(summed(batch.astype(np.float32) / 255)) for batch in batches) / images.size

    return watch


def check_losses(losses: NDArray[np.float32], first: int) -> float:
    """The mean of some steps' losses, the first of which is step `first`, counted from 0.

    Raises:
        TrainingError: If one is NaN or infinite; names the step, counted from 1.
    """
    finite = np.isfinite(losses)
    if not finite.all():
        place = int(np.argmin(finite))
        raise TrainingError(
            f"the loss is {losses[place]} at step {first + place + 1}; try a lower learning rate in the recipe"
        )
    return float(losses.mean())


def check_held_out(error: float, done: int) -> float:
    """The held-out error after `done` steps, as it came.

    Raises:
        TrainingError: If it is NaN or infinite; the last step may break weights whose loss was still fine.
    """
    if not math.isfinite(error):
        raise TrainingError(f"the held-out error is {error} after step {done}; try a lower learning rate in the recipe")
    return error


def _corrupt(clean: Any, config: FitConfig, seed: Any) -> Any:
    return clean if config.corruption is None else corrupt_batch(clean, config.corruption, seed)
