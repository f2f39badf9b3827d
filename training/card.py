"""The model card: what a version is, how good it is, what it promises and how to make it again."""

import os
import platform
import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.data import DigitData

_LIBRARIES = ("tensorflow", "keras", "numpy", "scikit-learn", "pillow", "digitcodec")


def build_card(
    recipe: dict[str, Any],
    seed: int,
    data: "DigitData",
    metrics: dict[str, Any],
    calibration_size: int,
    seconds: float,
) -> dict[str, Any]:
    """Everything that only the training knows; the publication adds name, code width and parameter count.

    Args:
        recipe: All values of the recipe, `name` and `fit.steps` among them.
        seed: Seed of the training.
        data: What it was trained on.
        metrics: The figures of `training.evaluation.evaluate`, on the test digits.
        calibration_size: How many held-out digits calibrate the score, >= 1.
        seconds: Duration of the fit.
    """
    return {
        "recipe": recipe,
        "seed": seed,
        "data": {
            "name": data.name,
            "sha256": data.sha256,
            "train_images": len(data.train_images),
            "test_images": len(data.test_images),
        },
        "metrics": metrics,
        "calibration": {
            "size": calibration_size,
            "promise": "of images like the held-out ones, at most a share of 1 - threshold scores above threshold",
            "largest_threshold": calibration_size / (calibration_size + 1),
        },
        "training_seconds": round(seconds, 1),
        "command": _build_command(
            recipe, seed, data.name, calibration_size, fashion="fashion" in metrics["auroc_by_score"]
        ),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": find_commit(Path(__file__).resolve().parent),
        "libraries": {"python": platform.python_version(), **_find_versions()},
        "machine": {"architecture": platform.machine(), "processors": os.cpu_count()},
    }


def _build_command(recipe: dict[str, Any], seed: int, data_name: str, calibration_size: int, *, fashion: bool) -> str:
    """What makes this model again; a data name is the last part of its path, so the folder stays to be filled in."""
    source = data_name if data_name == "digits" else f"DIR/{data_name}"
    words = ["--recipe", recipe["name"], "--data", source, "--seed", str(seed)]
    words += ["--steps", str(recipe["fit"]["steps"]), "--held-out", str(calibration_size)]
    words += ["--fashion", "DIR/fashion"] if fashion else []
    return shlex.join(["python", "-m", "training", "fit", *words])


def _find_versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue  # not installed as a package: a checkout, or a trainer without this extra
    return found


def find_commit(directory: Path) -> str | None:
    """The commit checked out around a directory, with `-dirty` if files differ from it; None where there is none."""
    git = shutil.which("git")
    if git is None:
        return None
    outcome = subprocess.run(  # noqa: S603  # the user's own git, with fixed arguments
        [git, "-C", str(directory), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return outcome.stdout.strip() or None if outcome.returncode == 0 else None
