"""A child of the doctor: imports TensorFlow, loads versions and asks them; what ends it ends not the doctor.

`python -m service.cli.doctor.probe VERSION_DIRECTORY...` prints a line of JSON for each step: `Imported`, then a
`Tried` for each directory.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson

from service.backends.contract import SCORE
from service.backends.embedded.disk import UnusableModelError
from service.backends.embedded.quiet import held_back_stderr
from service.domain import IMAGE_BYTES, Images
from service.errors import BackendError
from service.images import ImageLimits, decode_image

SAMPLES = Path(__file__).resolve().parents[2] / "web" / "samples"
"""The playground's: part of every installation."""

# A clean digit, and none.
_DIGIT_AND_SCRIBBLE = ("seven.png", "scribble.png")


@dataclass(frozen=True, slots=True)
class Imported:
    """TensorFlow could be imported.

    Attributes:
        version: Of TensorFlow.
        devices: What it can run on.
        seconds: How long that took.
    """

    version: str
    devices: list[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Tried:
    """A version was tried.

    Attributes:
        error: Why it cannot be used, or empty; then the others say nothing.
        code_dim: Width of its codes.
        digit: Anomaly score of a clean seven.
        scribble: Anomaly score of a scribble.
        seconds: How long it took to load.
    """

    error: str = ""
    code_dim: int = 0
    digit: float = 0.0
    scribble: float = 0.0
    seconds: float = 0.0


def main(paths: Sequence[str]) -> None:
    """Print what came of each step as soon as it is known."""
    for step in _try_all(paths):
        sys.stdout.write(f"{orjson.dumps(asdict(step)).decode()}\n")
        sys.stdout.flush()


def _try_all(paths: Sequence[str]) -> Iterator[Imported | Tried]:
    began_s = time.perf_counter()
    with held_back_stderr():
        import tensorflow as tf

        devices = [device.name.removeprefix("/physical_device:") for device in tf.config.list_physical_devices()]
    yield Imported(tf.__version__, devices, time.perf_counter() - began_s)
    for path in paths:
        yield _try(Path(path))


def _try(path: Path) -> Tried:
    from service.backends.embedded.graph import load_warm_graph

    began_s = time.perf_counter()
    try:
        graph = load_warm_graph(path, 1, (1,))
        seconds = time.perf_counter() - began_s
        outputs = graph.run("reconstruct", SCORE, _read_samples())
    except (UnusableModelError, BackendError) as error:
        return Tried(error=str(error))
    digit, scribble = outputs["anomaly_scores"].tolist()
    return Tried("", graph.code_dim, digit, scribble, seconds)


def _read_samples() -> Images:
    limits = ImageLimits(IMAGE_BYTES)
    return np.stack([decode_image((SAMPLES / name).read_bytes(), limits=limits) for name in _DIGIT_AND_SCRIBBLE])


if __name__ == "__main__":
    main(sys.argv[1:])
