"""Publishes a trained model as the next version of contract one, whole or not at all; POSIX only.

Everything is written below a dot directory beside the versions, where no poller looks, checked there by a fresh
process, forced to the disk and then renamed. A publication holds a lock that the kernel frees when its process dies,
however it dies: whoever holds it knows that every dot directory left there is a dead writer's.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import TrainerError
from training.signatures import ServedCodec
from training.statistic import AnomalyStatistic
from training.warmup import write_warmup

if TYPE_CHECKING:
    from training.networks import Autoencoder

CARD_FILE = Path("assets.extra") / "model_card.json"
INCOMING_PREFIX = ".incoming-"
_LOCK_FILE = ".publish.lock"
_VERIFY_MODULE = "training.verify"

# Enough for the two batch sizes of the check, in pictures of every kind: empty, full, noise.
_PROBE_ROWS = 8
# Import of TensorFlow, load and eight calls take 10 s on a slow machine; a hang must not last for ever.
_VERIFY_TIMEOUT_S = 300


class ExportError(TrainerError):
    """The exported version did not pass its check; nothing was published."""


def publish_version(
    autoencoder: "Autoencoder",
    statistic: AnomalyStatistic,
    card: dict[str, Any],
    models_root: Path,
    name: str,
) -> Path:
    """Write, check and publish the next version; other publishers of this model wait their turn.

    Args:
        autoencoder: The trained networks.
        statistic: The fitted, calibrated anomaly statistic.
        card: What `assets.extra/model_card.json` will say; `name`, `code_dim` and `parameters` are added.
        models_root: Where models live; made if missing.
        name: The model: a folder below it.

    Returns:
        The directory of the new version.

    Raises:
        ExportError: If a fresh process does not get the live model's answers from it.
    """
    model_dir = models_root / name
    model_dir.mkdir(parents=True, exist_ok=True)
    with _publishing(model_dir) as workplace:
        version_dir = workplace / "version"
        codec = ServedCodec(autoencoder, statistic)
        codec.save(version_dir)
        write_warmup(version_dir, name, autoencoder.code_dim)
        _write_card(version_dir, {"name": name, **_describe(autoencoder), **card})
        _check(version_dir, _write_probe(workplace, codec))
        _sync_tree(version_dir)
        return _rename_to_next(version_dir, model_dir)


@contextmanager
def _publishing(model_dir: Path) -> Iterator[Path]:
    """Hold the model's lock, clear what dead writers left, and lend a directory that no poller sees."""
    with (model_dir / _LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in model_dir.glob(f"{INCOMING_PREFIX}*"):
            shutil.rmtree(leftover)
        with tempfile.TemporaryDirectory(prefix=INCOMING_PREFIX, dir=model_dir) as workplace:
            yield Path(workplace)


def _describe(autoencoder: "Autoencoder") -> dict[str, int]:
    networks = (autoencoder.encoder, autoencoder.decoder)
    return {
        "code_dim": autoencoder.code_dim,
        "parameters": sum(network.count_params() for network in networks),
    }


def _write_card(version_dir: Path, card: dict[str, Any]) -> None:
    path = version_dir / CARD_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(card, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _write_probe(workplace: Path, codec: ServedCodec) -> Path:
    """Save images and the live model's answers to them."""
    images = build_probe()
    answers = {name: answer.numpy() for name, answer in codec.reconstruct(tf.constant(images)).items()}
    path = workplace / "probe.npz"
    np.savez(path, images=images, **answers)
    return path


def build_probe() -> NDArray[np.uint8]:
    """Images that exercise a model without any data: empty, full, strokes and noise; uint8 (8, 28, 28)."""
    images = np.random.default_rng(0).integers(0, 256, (_PROBE_ROWS, 28, 28), dtype=np.uint8)
    images[0], images[1] = 0, 255
    images[2:5] = 0
    images[2, 4:24, 13:16] = 255
    images[3, 6:22:15, 8:20] = images[3, 6:22, 8:20:11] = 200
    images[4, 13:15, 6:22] = 128
    return images


def _check(version_dir: Path, probe: Path) -> None:
    """Have a fresh process compare the written version with the live model's answers."""
    root = Path(__file__).resolve().parents[1]
    search_path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    outcome = subprocess.run(  # noqa: S603  # our own module, run by our own interpreter
        [sys.executable, "-m", _VERIFY_MODULE, str(version_dir), str(probe)],
        capture_output=True,
        text=True,
        timeout=_VERIFY_TIMEOUT_S,
        check=False,
        env={**os.environ, "PYTHONPATH": search_path},
    )
    if outcome.returncode:
        raise ExportError(f"the exported version failed its check: {outcome.stderr.strip()[-2000:]}")


def _sync_tree(directory: Path) -> None:
    """Force every file and directory below to the disk: a rename must never be there before its contents."""
    for folder, _, files in os.walk(directory):
        for file in files:
            _sync(Path(folder) / file)
        _sync(Path(folder))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename_to_next(version_dir: Path, model_dir: Path) -> Path:
    """Give the version the number after the largest one in use; this is the moment of publication."""
    used = [int(entry.name) for entry in model_dir.iterdir() if entry.name.isdecimal()]
    published = model_dir / str(max(used, default=0) + 1)
    version_dir.rename(published)
    _sync(model_dir)
    return published
