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

_LIBRARIES = ("tensorflow", "keras", "numpy", "scikit-learn", "pillow", "digitcodec")
# Git looks through a checkout in a second; on a network that hangs, a card without a commit is better than none.
_GIT_TIMEOUT_S = 20


@dataclass(frozen=True)
class Outcome:
    """How a fit went.

    Attributes:
        calibration_size: How many held-out digits calibrate the score, >= 1.
        held_out_error: Mean squared error on them, pixels in [0, 1].
        seconds: Duration of the fit.
        git_commit: What was checked out when it began; see `find_commit`.
    """

    calibration_size: int
    held_out_error: float
    seconds: float
    git_commit: str | None


def build_card(config: TrainConfig, data: DigitData, metrics: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """Everything that only the training knows; the publication adds name, code width and parameter count.

    Args:
        config: What was asked for.
        data: What it was trained on.
        metrics: The figures of `training.evaluation.evaluate`, on the test digits.
        outcome: What the fit left behind.
    """
    size = outcome.calibration_size
    return {
        "recipe": dataclasses.asdict(config.recipe),
        "seed": config.seed,
        "data": {
            "name": data.name,
            "sha256": data.sha256,
            "train_images": len(data.train_images),
            "test_images": len(data.test_images),
        },
        "metrics": metrics,
        "held_out_error": round(outcome.held_out_error, 6),
        "calibration": {
            "size": size,
            "promise": "of images like the held-out ones, at most a share of 1 - threshold scores above threshold",
            "largest_threshold": size / (size + 1),
        },
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
    words += ["--fashion", f"DIR/{name_source(config.fashion)}"] if config.fashion is not None else []
    return shlex.join(["python", "-m", "training", "fit", *words])


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
