"""Publishes a trained model, or a copy of a version, as the next version, whole or not at all; POSIX only.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.anomaly.statistic import AnomalyStatistic
from training.errors import ExportError
from training.export.card import CARD_FILE, HISTORY_FILE
from training.export.signatures import ServedCodec
from training.export.warmup import write_warmup

if TYPE_CHECKING:
    from training.networks.autoencoder import Autoencoder

INCOMING_PREFIX = ".incoming-"
_LOCK_FILE = ".publish.lock"
_VERIFY_MODULE = "training.export.verify"

Images = NDArray[np.uint8]

# Enough for the two batch sizes of the check, in pictures of every kind: empty, full, noise.
_PROBE_ROWS = 8
# Import of TensorFlow, load and eight calls take 10 s on a slow machine; a hang must not last for ever.
_VERIFY_TIMEOUT_S = 300


def publish_version(
    autoencoder: "Autoencoder",
    statistic: AnomalyStatistic,
    card: dict[str, Any],
    models_root: Path,
    name: str,
    *,
    digits: Images | None = None,
    history: Mapping[str, Sequence[float]] | None = None,
) -> Path:
    """Write, check and publish the next version; other publishers of this model wait their turn.

    Args:
        autoencoder: The trained networks.
        statistic: The fitted, calibrated anomaly statistic.
        card: What `assets.extra/model_card.json` will say; `name`, `code_dim` and `parameters` are added.
        models_root: Where models live; made if missing.
        name: The model: a folder below it.
        digits: A few images like those that will come, uint8 (n, 28, 28); the check asks for their answers too.
        history: How the fit went, for `assets.extra/history.json`; lists of equal length by name.

    Returns:
        The directory of the new version.

    Raises:
        ExportError: If it cannot be written, or a fresh process does not get the live model's answers from it.
    """
    model_dir = models_root / name
    facts = {"name": name, "code_dim": autoencoder.code_dim, "parameters": autoencoder.count_parameters()}
    with _writing(model_dir), _publishing(model_dir) as workplace:
        version_dir = workplace / "version"
        codec = ServedCodec(autoencoder, statistic)
        codec.save(version_dir)
        write_warmup(version_dir, name, autoencoder.code_dim)
        _write_json(version_dir / CARD_FILE, {**facts, **card})
        if history is not None:
            _write_json(version_dir / HISTORY_FILE, history)
        return _release(version_dir, _write_probe(workplace, codec, digits), model_dir)


def publish_copy(
    version_dir: Path,
    card: dict[str, Any],
    models_root: Path,
    name: str,
    *,
    probe: Mapping[str, Any],
    confirm: Callable[[], None] = lambda: None,
) -> Path:
    """Check and publish a copy of a version as the next one of a model; the version itself stays as it is.

    Args:
        version_dir: A version, of this model or of another one.
        card: What the copy's `assets.extra/model_card.json` will say, whole; `name` becomes this model's.
        models_root: Where models live; made if missing.
        name: The model: a folder below it.
        probe: Arrays by name, images and the version's answers, which a fresh process must get from the copy too; see
            `training.export.verify.verify_version`.
        confirm: Called when no other publisher can come between any more; publishes nothing if it raises.

    Returns:
        The directory of the new version.

    Raises:
        ExportError: If it cannot be written, or a fresh process does not get these answers from it.
    """
    model_dir = models_root / name
    with _writing(model_dir), _publishing(model_dir) as workplace:
        confirm()
        copy = workplace / "version"
        _copy_contents(version_dir, copy)
        write_warmup(copy, name, probe["codes"].shape[1])
        _write_json(copy / CARD_FILE, {**card, "name": name})
        np.savez(workplace / "probe.npz", **probe)
        return _release(copy, workplace / "probe.npz", model_dir)


def _copy_contents(source: Path, target: Path) -> None:
    """Copy files and folders, those behind links too, without their rights: others may read a version."""
    target.mkdir()
    for entry in source.iterdir():
        if entry.is_dir():
            _copy_contents(entry, target / entry.name)
        else:
            shutil.copyfile(entry, target / entry.name)


def _release(version_dir: Path, probe: Path, model_dir: Path) -> Path:
    """Check what was written, force it to the disk, make it the next version."""
    _check(version_dir, probe)
    _sync_tree(version_dir)
    return _rename_to_next(version_dir, model_dir)


def try_to_write(model_dir: Path) -> None:
    """Make a model's folder and a file in it: a wrong place should be known before the training, not after.

    Raises:
        ExportError: If that cannot be done.
    """
    with _writing(model_dir), tempfile.TemporaryFile(dir=model_dir):
        pass


@contextmanager
def _writing(model_dir: Path) -> Iterator[None]:
    """Make the model's folder; say in our own words what the disk refuses, whether Python or TensorFlow wrote."""
    try:
        model_dir.mkdir(parents=True, exist_ok=True)
        yield
    except (OSError, tf.errors.OpError) as error:
        raise ExportError(
            f"cannot write to {model_dir}: {_first_line(error)}; choose another place with --models or free some space"
        ) from error


def _first_line(error: Exception) -> str:
    """What happened; TensorFlow's errors go on for pages about where."""
    return (error.message if isinstance(error, tf.errors.OpError) else str(error)).partition("\n")[0]


@contextmanager
def _publishing(model_dir: Path) -> Iterator[Path]:
    """Hold the model's lock, clear what dead writers left, and lend a directory that no poller sees."""
    with (model_dir / _LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in model_dir.glob(f"{INCOMING_PREFIX}*"):
            shutil.rmtree(leftover)
        with tempfile.TemporaryDirectory(prefix=INCOMING_PREFIX, dir=model_dir) as workplace:
            yield Path(workplace)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _write_probe(workplace: Path, codec: ServedCodec, digits: Images | None) -> Path:
    """Save images, the live model's answers to them, and the calibration's size; digits reach the middle scores."""
    probe = build_probe()
    images = probe if digits is None else np.concatenate([probe, digits])
    answers = {name: answer.numpy() for name, answer in codec.reconstruct(tf.constant(images)).items()}
    path = workplace / "probe.npz"
    np.savez(path, images=images, calibration_size=codec.calibration_size, **answers)
    return path


def build_probe() -> Images:
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
    root = Path(__file__).resolve().parents[2]
    search_path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    # Without a GPU: this process may hold all memory of one, and a version must answer without any.
    environment = {**os.environ, "PYTHONPATH": search_path, "CUDA_VISIBLE_DEVICES": "-1"}
    try:
        outcome = subprocess.run(  # noqa: S603  # our own module, run by our own interpreter
            [sys.executable, "-m", _VERIFY_MODULE, str(version_dir), str(probe)],
            capture_output=True,
            text=True,
            timeout=_VERIFY_TIMEOUT_S,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise ExportError(f"the check of the exported version took more than {_VERIFY_TIMEOUT_S} s") from error
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
