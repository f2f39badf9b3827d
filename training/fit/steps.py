"""The graph of a fit: many steps in one call, on every replica; knows no files and no looks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.corruption import corrupt_batch
from training.fit.losses import image_losses, sparsity_share
from training.fit.optimizer import build_update
from training.fit.state import TrainState
from training.networks.autoencoder import Autoencoder
from training.recipes.base import FitConfig

Images = NDArray[np.uint8]
RunSteps = Callable[[Any, Any], Any]


def build_steps(
    live: Autoencoder, state: TrainState, config: FitConfig, fit_images: Images, seed: int, strategy: Any
) -> RunSteps:
    """A graph that takes many steps: `run(order, first_step)` -> losses float32 (k,).

    `order` is int32 (k, batch_size), indices of images; `first_step` is int64. All images lie in the graph
    as one uint8 tensor, so that a step costs no copy from Python. Counting the steps is the caller's.

    Every replica makes the whole corrupted batch, which is cheap and equal everywhere, and takes the gradient of its
    own part; the sum over the replicas is the gradient of the whole batch, whatever their number.
    """
    pixels = tf.constant(fit_images)
    update = build_update(state, config)

    def take_step(indices: Any, step: Any) -> Any:
        clean = tf.cast(tf.gather(pixels, indices), tf.float32) / 255
        step_seed = tf.stack([seed, tf.cast(step, tf.int32)])
        noisy = corrupt(clean, config, step_seed)
        noise = tf.random.stateless_normal((config.batch_size, live.code_dim), step_seed)  # of the whole batch too
        share = sparsity_share(config, tf.cast(step, tf.float32))
        replica = tf.distribute.get_replica_context()
        with tf.GradientTape() as tape:
            own_clean, own_noisy, own_noise = (_take_part(rows, replica) for rows in (clean, noisy, noise))
            losses = image_losses(live, config.loss, own_noisy, own_clean, own_noise, share)
            loss = tf.reduce_sum(losses) / config.batch_size
        gradients = tape.gradient(loss, state.weights)
        total_loss, *gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, [loss, *gradients])
        update(gradients, tf.cast(step, tf.float32))
        return total_loss

    def run(order: Any, first_step: Any) -> Any:
        count = tf.shape(order)[0]
        losses = tf.TensorArray(tf.float32, count)
        for place in tf.range(count):
            step = first_step + tf.cast(place, tf.int64)
            loss = strategy.run(take_step, (order[place], step))
            losses = losses.write(place, strategy.experimental_local_results(loss)[0])
        return losses.stack()

    shapes = [tf.TensorSpec((None, config.batch_size), tf.int32), tf.TensorSpec((), tf.int64)]
    compiled: RunSteps = tf.function(run, input_signature=shapes)
    return compiled


def corrupt(clean: Any, config: FitConfig, seed: Any) -> Any:
    """What the network gets for clean images, float32 (n, 28, 28); n must be static."""
    return clean if config.corruption is None else corrupt_batch(clean, config.corruption, seed)


def _take_part(rows: Any, replica: Any) -> Any:
    """The rows that this replica answers for."""
    count = replica.num_replicas_in_sync
    if count == 1:
        return rows
    size = rows.shape[0] // count
    start = replica.replica_id_in_sync_group * size
    return tf.ensure_shape(rows[start : start + size], (size, *rows.shape[1:]))
