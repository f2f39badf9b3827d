"""Everything that changes during a fit, as variables: whoever has all of it can go on with the fit."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf


class History(NamedTuple):
    """How a fit went, a value for each look at the watched images; all of one length.

    Attributes:
        steps: Steps done at each look.
        losses: Mean training loss of the steps since the look before.
        watched_errors: Mean squared error of the averaged weights on the watched images.
    """

    steps: list[int]
    losses: list[float]
    watched_errors: list[float]


@dataclass(frozen=True)
class TrainState:
    """Everything that changes during a fit; restoring all of it resumes the fit exactly.

    Attributes:
        weights: What the gradient is taken at.
        averages: Moving averages of the weights, in the same order; these are exported.
        first_moments: Adam's mean gradients, in the same order.
        second_moments: Mean squared gradients, in the same order.
        best: The averages at the look with the smallest watched error, in the same order.
        looks: float32 (looks, 3): steps done, mean loss, watched error; rows that are still to come are 0.
        step: int64, steps done.
        loss_sum: float64, sum of the losses since the last look.
        seconds: float64, time spent so far, by all processes that worked on this fit.
    """

    weights: list[Any]
    averages: list[Any]
    first_moments: list[Any]
    second_moments: list[Any]
    best: list[Any]
    looks: Any
    step: Any = field(default_factory=lambda: tf.Variable(0, dtype=tf.int64))
    loss_sum: Any = field(default_factory=lambda: tf.Variable(0.0, dtype=tf.float64))
    seconds: Any = field(default_factory=lambda: tf.Variable(0.0, dtype=tf.float64))

    @classmethod
    def start(cls, weights: list[Any], averages: list[Any], looks: int = 1) -> "TrainState":
        """The state before the first step; takes ownership of both lists of variables.

        Args:
            weights: What is trained, at its start.
            averages: As many variables of the same shapes.
            looks: How often the watched images will be looked at.
        """
        for weight, average in zip(weights, averages, strict=True):
            average.assign(weight)
        first, second, best = (
            [tf.Variable(tf.zeros(weight.shape, tf.float32)) for weight in weights] for _ in range(3)
        )
        return cls(weights, averages, first, second, best, tf.Variable(tf.zeros((looks, 3))))

    @property
    def steps_done(self) -> int:
        """Steps done so far."""
        return int(self.step.numpy())

    @property
    def seconds_spent(self) -> float:
        """Time spent so far, in s."""
        return float(self.seconds.numpy())

    @property
    def watched_errors(self) -> list[float]:
        """The watched error at each look so far."""
        return self.history().watched_errors

    def note_losses(self, losses: "np.ndarray[Any, Any]") -> None:
        """Count steps by their losses, float32 (k,)."""
        self.step.assign_add(len(losses))
        self.loss_sum.assign_add(float(losses.sum(dtype=np.float64)))

    def note_look(self, watched_error: float) -> None:
        """Write a look down, and keep the averages if none was better before."""
        steps, looks = self.steps_done, self.history()
        since = steps - (looks.steps[-1] if looks.steps else 0)
        if not looks.steps or watched_error < min(looks.watched_errors):
            _copy(self.averages, self.best)
        row = tf.constant([[steps, float(self.loss_sum.numpy()) / since, watched_error]], tf.float32)
        self.looks.assign(tf.tensor_scatter_nd_update(self.looks.numpy(), [[len(looks.steps)]], row))
        self.loss_sum.assign(0.0)

    def history(self) -> History:
        """All looks so far."""
        rows = self.looks.numpy()
        steps, losses, errors = rows[rows[:, 0] > 0].T.tolist()
        return History([int(step) for step in steps], losses, errors)

    def looks_since_best(self) -> int:
        """How many looks ago the watched error was smallest; 0 if that was the last look, or there was none."""
        errors = self.watched_errors
        return len(errors) - 1 - int(np.argmin(errors)) if errors else 0

    def take_best(self) -> float:
        """Put the best averages in the place of the last ones.

        Returns:
            Their watched error.
        """
        _copy(self.best, self.averages)
        return min(self.watched_errors)


def _copy(source: list[Any], target: list[Any]) -> None:
    for one, other in zip(source, target, strict=True):
        other.assign(one)
