"""A fit of seconds on small digits, in this process or, as `python -m support.small_fit`, in one of its own."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from training.data.load import load_data
from training.data.split import Parts, split_training
from training.recipes.base import ConvStem, CorruptionConfig, Dose, FitConfig, OptimizerConfig, ResidualNetwork

NETWORK = ResidualNetwork(
    code_dim=8, width=32, hidden=32, encoder_blocks=1, decoder_blocks=1, stem=ConvStem(channels=(4, 16))
)
OPTIMIZER = OptimizerConfig(
    learning_rate=2e-3, warm_up_steps=200, weight_decay=1e-4, beta_2=0.99, clip_norm=1.0, schedule="cosine"
)
CONFIG = FitConfig(
    batch_size=32,
    steps=60,
    optimizer=OPTIMIZER,
    average_decay=0.999,
    corruption=CorruptionConfig(
        gaussian=Dose(0.25, 0.1, 0.6),
        salt_and_pepper=Dose(0.125, 0.05, 0.35),
        dropped_cells=Dose(0.125, 0.05, 0.4),
        blur=Dose(0.125, 0.5, 1.5),
    ),
    watch_every_steps=25,
)
# Long enough to be killed on the way, at any look.
LONG = dataclasses.replace(CONFIG, steps=400, watch_every_steps=40)


class Recorder:
    """Remembers what a fit reported, and prints its looks for whoever reads along."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.watched: list[float] = []
        self.resumed = 0

    def advance(self, steps: int, loss: float) -> None:
        """Note the steps and their loss."""
        self.steps.append(steps)
        self.losses.append(loss)

    def show_watched(self, error: float) -> None:
        """Note the error."""
        self.watched.append(error)
        print(f"look {len(self.watched)}", file=sys.stderr, flush=True)  # noqa: T201  # see above

    def resume(self, steps: int) -> None:
        """Note where it went on."""
        self.resumed = steps


def load_parts() -> Parts:
    """The small digits: 1,377 to fit, 40 to watch, 200 to calibrate."""
    return split_training(load_data("digits").train_images, 200)


def start(strategy: str = "single", folder: str = "", **variables: str) -> "subprocess.Popen[str]":
    """A fit of `LONG` in a process of its own: a strategy is the first thing that TensorFlow hears."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'tests'}", "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    command = [sys.executable, "-m", "support.small_fit", strategy, "float32", folder]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def finish(process: "subprocess.Popen[str]") -> dict[str, object]:
    """What the process printed when it was done."""
    printed, errors = process.communicate(timeout=200)
    assert 0 == process.returncode, errors
    outcome: dict[str, object] = json.loads(printed.splitlines()[-1])
    return outcome


def main(strategy: str, precision: str, checkpoints: str) -> None:
    """Fit, and print what came out as a line of JSON: error, weights' digest, where it went on."""
    from training.fit.devices import open_devices

    devices = open_devices(strategy, precision)  # type: ignore[arg-type]  # from a command line of our own
    from training.fit.loop import FitOptions, fit

    recorder, parts = Recorder(), load_parts()
    options = FitOptions(checkpoints=Path(checkpoints) if checkpoints else None, devices=devices)
    fitted = fit(NETWORK, LONG, parts.fit, parts.watch, 7, recorder, options)
    digest = hashlib.sha256(b"".join(weight.numpy().tobytes() for weight in fitted.autoencoder.weights()))
    outcome = {
        "watched_error": fitted.watched_error,
        "looks": list(fitted.history.watched_errors),
        "weights": digest.hexdigest(),
        "resumed": recorder.resumed,
        "replicas": devices.strategy.num_replicas_in_sync,
    }
    print(json.dumps(outcome), flush=True)  # noqa: T201  # what this program is for


if __name__ == "__main__":
    main(*sys.argv[1:])
