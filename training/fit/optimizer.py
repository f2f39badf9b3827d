"""What a fit carries from step to step, and how a gradient changes it; knows no data and no loss."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from training.recipes.base import FitConfig, OptimizerConfig

# Keeps Adam's division finite where a weight has had no gradient yet.
_EPSILON = 1e-8


@dataclass(frozen=True)
class TrainState:
    """Everything that changes during a fit; restoring all of it resumes the fit exactly.

    Attributes:
        step: int64 variable, steps done.
        weights: What the gradient is taken at.
        averages: Moving averages of the weights, in the same order; these are exported.
        first_moments: Adam's mean gradients, in the same order.
        second_moments: Adam's mean squared gradients, in the same order.
    """

    step: Any
    weights: list[Any]
    averages: list[Any]
    first_moments: list[Any]
    second_moments: list[Any]

    @classmethod
    def start(cls, weights: list[Any], averages: list[Any]) -> "TrainState":
        """The state before the first step; takes ownership of both lists of variables."""
        for weight, average in zip(weights, averages, strict=True):
            average.assign(weight)
        return cls(
            step=tf.Variable(0, dtype=tf.int64),
            weights=weights,
            averages=averages,
            first_moments=[tf.Variable(tf.zeros_like(weight)) for weight in weights],
            second_moments=[tf.Variable(tf.zeros_like(weight)) for weight in weights],
        )


def build_update(state: TrainState, config: FitConfig) -> Callable[[list[Any], Any], None]:
    """One AdamW step and one step of the moving average, compiled to a single kernel.

    Compiled because a separate operation for every weight costs three times as much (7.9 against 2.7 ms).

    Returns:
        `update(gradients, step)`: gradients in the order of `state.weights`, step float32 from 0.
        Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """
    optimizer = config.optimizer

    def update(gradients: list[Any], step: Any) -> None:
        scale = clip_scale(gradients, optimizer.clip_norm)
        rate = learning_rate(optimizer, config.steps, step)
        decay = average_decay(config.average_decay, step)
        for index, gradient in enumerate(gradients):
            _update_weight(state, index, gradient * scale, step, rate, optimizer)
            average = state.averages[index]
            average.assign(decay * average + (1 - decay) * state.weights[index])

    compiled: Callable[[list[Any], Any], None] = tf.function(update, jit_compile=True, autograph=False)
    return compiled


def learning_rate(config: OptimizerConfig, steps: int, step: Any) -> Any:
    """Linear warm-up times a cosine from the peak at step 0 to 0 at the last of `steps`; step float32."""
    warm_up = max(1.0, min(float(config.warm_up_steps), steps / 5))
    cosine = 0.5 + 0.5 * tf.cos(math.pi * tf.minimum(1.0, step / steps))
    return config.learning_rate * tf.minimum(1.0, (step + 1) / warm_up) * cosine


def average_decay(limit: float, step: Any) -> Any:
    """Decay of the moving average: short at first, so that the initial weights are soon forgotten."""
    return tf.minimum(limit, (1 + step) / (10 + step))


def clip_scale(gradients: list[Any], clip_norm: float) -> Any:
    """The factor, at most 1, that brings the global norm of the gradients down to `clip_norm`."""
    norm = tf.sqrt(tf.add_n([tf.reduce_sum(tf.square(gradient)) for gradient in gradients]))
    return tf.minimum(1.0, clip_norm / norm)


def _update_weight(state: TrainState, index: int, gradient: Any, step: Any, rate: Any, config: OptimizerConfig) -> None:
    weight, first, second = state.weights[index], state.first_moments[index], state.second_moments[index]
    first.assign(config.beta_1 * first + (1 - config.beta_1) * gradient)
    second.assign(config.beta_2 * second + (1 - config.beta_2) * tf.square(gradient))
    mean = first / (1 - tf.pow(config.beta_1, step + 1))
    spread = tf.sqrt(second / (1 - tf.pow(config.beta_2, step + 1)))
    change = mean / (spread + _EPSILON)
    if len(weight.shape) > 1:  # biases and norms stay free: decay would only pull the output's level to 0
        change += config.weight_decay * weight
    weight.assign_sub(rate * change)
