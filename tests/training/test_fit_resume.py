"""A fit that is stopped or killed: it goes on where it was, and ends as an unbroken one."""

import dataclasses
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.small_fit import CONFIG, LONG, NETWORK, Recorder, finish, load_parts, start

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.errors import FitStoppedError, TrainingError  # noqa: E402  # beside the imports below
from training.fit.checkpoints import Checkpoints  # noqa: E402  # needs TensorFlow
from training.fit.loop import FitOptions, Fitted, fit  # noqa: E402  # needs TensorFlow
from training.recipes.base import FitConfig  # noqa: E402  # beside the imports above


class Stopper(Recorder):
    """Sends this process a signal after some steps, as Ctrl-C or a scheduler would."""

    def __init__(self, after: int, number: signal.Signals) -> None:
        super().__init__()
        self._after = after
        self._number = number

    def advance(self, steps: int, loss: float) -> None:
        """Note the steps; stop if they are enough."""
        super().advance(steps, loss)
        if sum(self.steps) == self._after:
            os.kill(os.getpid(), self._number)


def run_fit(folder: Path | None, recorder: Recorder, config: FitConfig = CONFIG, *, finish: bool = False) -> Fitted:
    """A short fit that keeps itself in a folder."""
    parts = load_parts()
    return fit(NETWORK, config, parts.fit, parts.watch, 0, recorder, FitOptions(checkpoints=folder, finish=finish))


def test_stopped_fit_goes_on_and_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    """Weights, looks and losses are equal to the last bit, though it stopped between two looks."""
    config = dataclasses.replace(CONFIG, steps=150, watch_every_steps=70)
    unbroken = run_fit(None, Recorder(), config)

    with pytest.raises(FitStoppedError, match=r"after step 120 of 150, the best so far has a watched error of 0\.\d+"):
        run_fit(tmp_path, Stopper(120, signal.SIGINT), config)
    again = Recorder()
    resumed = run_fit(tmp_path, again, config)

    assert (120, [20, 10]) == (again.resumed, again.steps)
    assert unbroken.history == resumed.history
    weights = zip(unbroken.autoencoder.weights(), resumed.autoencoder.weights(), strict=True)
    assert all(np.array_equal(one, other) for one, other in weights)


def test_sigterm_stops_too_and_says_what_to_do(tmp_path: Path) -> None:
    """A scheduler's signal keeps the fit like Ctrl-C; the text names the folder and the way on."""
    with pytest.raises(FitStoppedError) as stopped:
        run_fit(tmp_path, Stopper(25, signal.SIGTERM))

    assert f"kept in {tmp_path}: the same command goes on; with --finish it publishes" in str(stopped.value)


def test_finish_takes_the_best_of_a_stopped_fit(tmp_path: Path) -> None:
    """No step is taken; the weights are those of the best look."""
    stopper = Stopper(50, signal.SIGINT)
    with pytest.raises(FitStoppedError):
        run_fit(tmp_path, stopper)

    recorder = Recorder()
    fitted = run_fit(tmp_path, recorder, finish=True)

    assert [] == recorder.steps
    assert pytest.approx(min(stopper.watched), rel=1e-5) == fitted.watched_error
    clean = load_parts().watch.astype(np.float32) / 255
    error = float(np.square(fitted.autoencoder(clean).numpy() - clean).mean())
    assert pytest.approx(fitted.watched_error, rel=1e-3) == error


def test_nothing_to_finish_is_said(tmp_path: Path) -> None:
    """`--finish` without a stopped fit is a mistake, not an untrained model."""
    with pytest.raises(TrainingError, match="no stopped fit to finish"):
        run_fit(tmp_path, Recorder(), finish=True)


def test_stop_without_a_folder_keeps_nothing() -> None:
    """The text does not promise what is not there."""
    with pytest.raises(FitStoppedError, match="after step 25 of 60; nothing is kept"):
        run_fit(None, Stopper(25, signal.SIGINT))


def test_signals_are_as_before_after_a_fit() -> None:
    """Ctrl-C belongs to the caller again."""
    before = signal.getsignal(signal.SIGINT)

    run_fit(None, Recorder())

    assert before is signal.getsignal(signal.SIGINT)


def test_two_fits_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second one is refused while the first is at work."""
    with Checkpoints(tmp_path).locked(), pytest.raises(TrainingError, match="another process is at the same fit"):
        run_fit(tmp_path, Recorder())


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
def test_damaged_checkpoint_is_named(tmp_path: Path, suffix: str) -> None:
    """It is neither used in part nor thrown away without a word."""
    with pytest.raises(FitStoppedError):
        run_fit(tmp_path, Stopper(25, signal.SIGINT))
    (damaged,) = tmp_path.glob(f"*{suffix}")
    damaged.write_bytes(damaged.read_bytes()[:100])

    with pytest.raises(TrainingError, match=r"cannot be read; remove that folder to start anew"):
        run_fit(tmp_path, Recorder())


def test_old_checkpoints_are_removed(tmp_path: Path) -> None:
    """The folder holds the last two looks and no more."""
    run_fit(tmp_path, Recorder(), dataclasses.replace(CONFIG, watch_every_steps=10))

    assert 2 == len(list(tmp_path.glob("*.index")))


def wait_for_look(process: "subprocess.Popen[str]", number: int) -> None:
    """Read along until a look is told."""
    assert process.stderr is not None
    told = (line for line in process.stderr if line == f"look {number}\n")
    assert next(told, None) is not None, "the fit ended before"


def test_killed_fit_goes_on_and_ends_as_an_unbroken_one(tmp_path: Path, kill: Callable[..., None]) -> None:
    """After kill -9, at any moment, the same command reaches the same weights to the last bit."""
    killed = start(folder=str(tmp_path))
    wait_for_look(killed, 3)
    kill(killed)

    resumed = finish(start(folder=str(tmp_path)))
    unbroken = finish(start())

    assert resumed["resumed"] in range(80, LONG.steps, LONG.watch_every_steps)
    assert {**unbroken, "resumed": None} == {**resumed, "resumed": None}


@pytest.fixture
def kill() -> Callable[["subprocess.Popen[str]"], None]:
    """Ends a process as the kernel does when memory is short."""

    def end(process: "subprocess.Popen[str]") -> None:
        process.kill()
        process.communicate(timeout=60)
        assert -signal.SIGKILL == process.returncode

    return end
