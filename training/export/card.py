"""The model card: what a version is, how good it is, what it promises and how to make it again."""

import dataclasses
import os
import platform
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from training.config import MODEL_NAME, TrainConfig
from training.data.load import DigitData, name_source
from training.data.split import Parts

# In a version's directory, where TensorFlow Serving does not look.
CARD_FILE = Path("assets.extra") / "model_card.json"
HISTORY_FILE = Path("assets.extra") / "history.json"

_LIBRARIES = ("tensorflow", "keras", "numpy", "scikit-learn", "pillow", "digitcodec")
# Settings that decide the numbers and mostly stay as they are.
_OPTIONAL = ("preprocess", "split", "strategy", "precision")
_DEFAULTS = {field.name: field.default for field in dataclasses.fields(TrainConfig)}
# Git looks through a checkout in a second; on a network that hangs, a card without a commit is better than none.
_GIT_TIMEOUT_S = 20


@dataclass(frozen=True)
class Outcome:
    """How a training went.

    Attributes:
        parts: What was fitted, watched and calibrated on.
        watched_error: Mean squared error on the watched digits, pixels in [0, 1].
        steps: Steps that were taken.
        seconds: Duration of the fit.
        git_commit: What was checked out when it began; see `find_commit`.
    """

    parts: Parts
    watched_error: float
    steps: int
    seconds: float
    git_commit: str | None


def build_card(config: TrainConfig, data: DigitData, metrics: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """Everything that only the training knows; the publication adds name, code width and parameter count.

    Args:
        config: What was asked for.
        data: What it was trained on.
        metrics: The figures of `training.evaluation.evaluate.evaluate`, on the test digits.
        outcome: How it went.
    """
    size = len(outcome.parts.calibration)
    return {
        "recipe": dataclasses.asdict(config.recipe),
        "seed": config.seed,
        "data": {
            "name": data.name,
            "sha256": data.sha256,
            "train_images": len(data.train_images),
            "fitted_images": len(outcome.parts.fit),
            "watched_images": len(outcome.parts.watch),
            "test_images": len(data.test_images),
            "split": data.split,
            "preprocess": None if data.folder is None else data.folder.preprocess,
        },
        "metrics": metrics,
        "watched_error": round(outcome.watched_error, 6),
        "calibration": {
            "size": size,
            "promise": "of images like the held-out ones, at most a share of 1 - threshold scores above threshold",
            "largest_threshold": size / (size + 1),
        },
        "training_steps": outcome.steps,
        "training_seconds": round(outcome.seconds, 1),
        "command": _build_command(config, size),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": outcome.git_commit,
        "libraries": {"python": platform.python_version(), **_find_versions()},
        "machine": {"architecture": platform.machine(), "processors": os.cpu_count()},
    }


def _build_command(config: TrainConfig, calibration_size: int) -> str:
    """What makes this model again; of a path only the last part is told, so the folder stays to be filled in."""
    words = ["--recipe", config.recipe.name]
    if config.data is not None:
        words += ["--data", "digits" if config.data == "digits" else f"DIR/{name_source(Path(config.data))}"]
    words += ["--name", config.name] if config.name != MODEL_NAME else []
    words += ["--seed", str(config.seed), "--steps", str(config.recipe.fit.steps), "--held-out", str(calibration_size)]
    words += [word for name in _OPTIONAL for word in _spell(config, name)]
    words += ["--fashion", f"DIR/{name_source(config.fashion)}"] if config.fashion is not None else []
    return shlex.join(["python", "-m", "training", "fit", *words])


def _spell(config: TrainConfig, name: str) -> tuple[str, ...]:
    """The flag of a setting that is not what it would be without."""
    value = getattr(config, name)
    return () if value == _DEFAULTS[name] else (f"--{name}", str(value))


def _find_versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue  # not installed as a package: a checkout, or a trainer without this extra
    return found


def find_commit(file: Path) -> str | None:
    """The commit that a file was checked out from, with `-dirty` if files around it differ.

    None where git is missing or slow, or does not track the file: a package installed inside somebody's checkout is
    no part of it.
    """
    tracked = _run_git(file.parent, "ls-files", "--error-unmatch", "--", file.name)
    return tracked and _run_git(file.parent, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _run_git(directory: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        outcome = subprocess.run(  # noqa: S603  # the user's own git, with fixed arguments
            [git, "-C", str(directory), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_GIT_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return outcome.stdout.strip() or None if outcome.returncode == 0 else None
