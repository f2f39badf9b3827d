"""Which steps are taken in one call, and which images each step sees; knows no TensorFlow and no weights."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.recipes.base import FitConfig

# Steps in one call of the graph: few returns to Python, and Ctrl-C waits about a second for the end of one.
STEPS_PER_CALL = 50


def plan_calls(done: int, steps: int, watch_every: int) -> Iterator[tuple[int, int]]:
    """Cut what is left of a fit into calls of the graph, (first step, number of steps), that end at watch steps."""
    while done < steps:
        to_watch = watch_every - done % watch_every
        count = min(STEPS_PER_CALL, steps - done, to_watch)
        yield done, count
        done += count


def is_watch_step(done: int, config: FitConfig) -> bool:
    """True where a look is due: every `watch_every_steps`, and at the end."""
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
