"""Fit an autoencoder to images: a compiled loop of many steps, looked at now and then; knows no statistics."""

import math
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import FitStoppedError, TrainingError
from training.fit.checkpoints import Checkpoints
from training.fit.devices import Devices, open_devices
from training.fit.interruption import wishes_to_stop
from training.fit.journal import Journal
from training.fit.optimizer import learning_rate
from training.fit.order import epoch_order, is_watch_step, plan_calls
from training.fit.progress import Progress
from training.fit.state import History, TrainState
from training.fit.steps import RunSteps, build_steps, corrupt
from training.fit.watch import build_watch, check_losses, check_watched
from training.networks.autoencoder import Autoencoder
from training.networks.build import build_autoencoder
from training.recipes.base import FitConfig, NetworkConfig

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class FitOptions:
    """What a fit does beside fitting; the defaults write nothing.

    Attributes:
        checkpoints: Folder that keeps the fit while it runs, so that it can go on after a kill; None to keep nothing.
        log_dir: Folder of TensorBoard's files; None to write none.
        finish: End at once with the best weights of the checkpoint.
        devices: What to run on.
    """

    checkpoints: Path | None = None
    log_dir: Path | None = None
    finish: bool = False
    devices: Devices = field(default_factory=open_devices)


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves behind.

    Attributes:
        autoencoder: The model, with the averaged weights, computing in float32.
        watched_error: Its mean squared error on the watched images; finite.
        history: How it came about.
        seconds: Time spent, including that before a kill.
    """

    autoencoder: Autoencoder
    watched_error: float
    history: History
    seconds: float


class _Parts(NamedTuple):
    """What the loop works on, built before its first step."""

    averaged: Autoencoder
    state: TrainState
    run_steps: RunSteps
    watch: Callable[[], float]


def fit(
    network: NetworkConfig,
    config: FitConfig,
    fit_images: Images,
    watch_images: Images,
    seed: int,
    progress: Progress,
    options: FitOptions | None = None,
) -> Fitted:
    """Build a model and fit it; the same arguments give the same weights on the same machine.

    A fit that was stopped or killed goes on from its checkpoint, and ends with the weights of an unbroken one.

    Args:
        network: What to build.
        config: How to fit it.
        fit_images: uint8 (n, 28, 28), n >= 1; every one is seen once an epoch.
        watch_images: uint8 (m, 28, 28), m >= 1; decide when to stop early and which weights are best.
        seed: 0 .. 2**31 - 1; decides the initial weights, the order and the noise.
        progress: Is told how it goes.
        options: What else to do.

    Raises:
        TrainingError: If the loss or the watched error is NaN or infinite, the batch does not split over the devices,
            another process is at this fit, or its checkpoint cannot be read.
        FitStoppedError: If Ctrl-C or SIGTERM stopped it; what was reached is kept in the checkpoint, if there is one.
        ExportError: If the checkpoint cannot be written.
    """
    options = options or FitOptions()
    options.devices.check_batch(config.batch_size)
    checkpoints = Checkpoints(options.checkpoints) if options.checkpoints else None
    with ExitStack() as stack:
        if checkpoints and options.devices.is_chief:
            stack.enter_context(checkpoints.locked())
        parts = _build(network, config, fit_images, watch_images, seed, options.devices)
        loop = _Loop(config, parts, progress, checkpoints if options.devices.is_chief else None)
        resumed = checkpoints is not None and checkpoints.restore(parts.state)
        options.devices.check_agreement(parts.state.steps_done)
        if options.finish:
            return _finish(parts, resumed=resumed)
        if options.log_dir and options.devices.is_chief:
            loop.journal = stack.enter_context(_open_journal(options.log_dir, config, watch_images, seed))
        # One of several workers cannot stop between two steps: the others would wait for it.
        wants_to_stop = stack.enter_context(wishes_to_stop()) if options.devices.is_alone else lambda: False
        loop.run(len(fit_images), seed, wants_to_stop)
        return loop.end()


def _build(
    network: NetworkConfig, config: FitConfig, fit_images: Images, watch_images: Images, seed: int, devices: Devices
) -> _Parts:
    with devices.strategy.scope():
        with devices.computing():
            live = build_autoencoder(network, seed)
        averaged = build_autoencoder(network, seed)
        looks = math.ceil(config.steps / config.watch_every_steps)
        state = TrainState.start(live.weights(), averaged.weights(), looks)
    run_steps = build_steps(live, state, config, fit_images, seed, devices.strategy)
    return _Parts(averaged, state, run_steps, build_watch(averaged, watch_images))


def _open_journal(folder: Path, config: FitConfig, watch_images: Images, seed: int) -> closing[Journal]:
    return closing(Journal(folder, watch_images, lambda images: corrupt(images, config, (seed, 0))))


def _finish(parts: _Parts, *, resumed: bool) -> Fitted:
    """The best weights of a fit that was stopped."""
    if not resumed or not parts.state.watched_errors:
        raise TrainingError("there is no stopped fit to finish: no look at the watched images was kept")
    error = parts.state.take_best()
    return Fitted(parts.averaged, error, parts.state.history(), parts.state.seconds_spent)


class _Loop:
    """Calls the graph again and again, and looks at the watched images in between."""

    def __init__(self, config: FitConfig, parts: _Parts, progress: Progress, checkpoints: Checkpoints | None) -> None:
        self._config = config
        self._parts = parts
        self._state = parts.state
        self._progress = progress
        self._checkpoints = checkpoints
        self.journal: Journal | None = None

    def run(self, images: int, seed: int, wants_to_stop: Callable[[], bool]) -> None:
        """Take all steps that are left, unless patience ends first."""
        done = self._state.steps_done
        if done:
            self._progress.resume(done)
        for first, count in plan_calls(done, self._config.steps, self._config.watch_every_steps):
            if self._has_lost_patience():
                return
            started = time.monotonic()
            self._take_steps(images, seed, first, count)
            if is_watch_step(first + count, self._config):
                self._look()
            self._state.seconds.assign_add(time.monotonic() - started)
            is_over = first + count == self._config.steps
            if wants_to_stop() and not is_over:
                self._stop(first + count)
            if self._checkpoints and is_watch_step(first + count, self._config):
                self._checkpoints.save(self._state)

    def end(self) -> Fitted:
        """What is left behind: with patience the best weights, without the last ones."""
        history = self._state.history()
        error = history.watched_errors[-1] if self._config.patience is None else self._state.take_best()
        return Fitted(self._parts.averaged, error, history, self._state.seconds_spent)

    def _take_steps(self, images: int, seed: int, first: int, count: int) -> None:
        batch = self._config.batch_size
        order = epoch_order(images, first * batch, count * batch, seed)
        losses = self._parts.run_steps(tf.constant(order.reshape(count, batch)), self._state.step).numpy()
        self._progress.advance(count, check_losses(losses, first))
        self._state.note_losses(losses)

    def _look(self) -> None:
        done = self._state.steps_done
        error = check_watched(self._parts.watch(), done)
        self._state.note_look(error)
        self._progress.show_watched(error)
        if self.journal:
            rate = learning_rate(self._config.optimizer, self._config.steps, tf.constant(done, tf.float32))
            loss = self._state.history().losses[-1]
            self.journal.note_look(self._parts.averaged, done, loss=loss, watched_error=error, rate=rate)

    def _has_lost_patience(self) -> bool:
        patience = self._config.patience
        return patience is not None and self._state.looks_since_best() >= patience

    def _stop(self, done: int) -> None:
        if self._checkpoints:
            self._checkpoints.save(self._state)
        raise FitStoppedError(_describe_stop(self._state, done, self._config.steps, self._checkpoints))


def _describe_stop(state: TrainState, done: int, steps: int, checkpoints: Checkpoints | None) -> str:
    stopped = f"stopped after step {done} of {steps}"
    if checkpoints is None:
        return f"{stopped}; nothing is kept"
    errors = state.watched_errors
    best = f", the best so far has a watched error of {min(errors):.5f}" if errors else ""
    finish = "; with --finish it publishes the best so far" if errors else ""
    return f"{stopped}{best}; it is kept in {checkpoints.folder}: the same command goes on{finish}"
