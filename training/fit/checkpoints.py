"""Keeps a fit on disk while it runs, so that the same command goes on after a kill; TensorFlow's own checkpoints."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from training.errors import ExportError, TrainingError
from training.fit.state import TrainState

_LOCK_FILE = "lock"
# The one before stays until the next is whole; TensorFlow then points to that one in a single rename.
_KEPT = 2


class Checkpoints:
    """The checkpoints of one fit in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self._folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, making it if need be: two fits must not write into one.

        Raises:
            TrainingError: If another process holds it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / _LOCK_FILE).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise TrainingError(f"another process is at the same fit; it holds {self._folder}") from error
            yield

    def restore(self, state: TrainState) -> bool:
        """Bring a state to where the last checkpoint was; False where there is none.

        Raises:
            TrainingError: If there is one that does not fit or is damaged.
        """
        latest = tf.train.latest_checkpoint(str(self._folder))
        if latest is None:
            return False
        try:
            _describe(state).restore(latest).assert_consumed()
        except (AssertionError, LookupError, ValueError, tf.errors.OpError) as error:
            raise TrainingError(
                f"the checkpoint in {self._folder} cannot be read; remove that folder to start anew"
            ) from error
        return True

    def save(self, state: TrainState) -> None:
        """Write a checkpoint; whole or not at all.

        Raises:
            ExportError: If the disk refuses.
        """
        manager = tf.train.CheckpointManager(_describe(state), str(self._folder), max_to_keep=_KEPT)
        try:
            manager.save(checkpoint_number=state.steps_done)
        except (OSError, tf.errors.OpError) as error:
            reason = str(error).partition("\n")[0]
            raise ExportError(f"cannot write to {self._folder}: {reason}; free some space") from error

    def clear(self) -> None:
        """Remove the folder: the fit is over and published."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _describe(state: TrainState) -> tf.train.Checkpoint:
    return tf.train.Checkpoint(
        weights=state.weights,
        averages=state.averages,
        first_moments=state.first_moments,
        second_moments=state.second_moments,
        best=state.best,
        looks=state.looks,
        step=state.step,
        loss_sum=state.loss_sum,
        seconds=state.seconds,
    )
