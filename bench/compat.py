"""Does an older TensorFlow answer as ours does? Runs a version in both and compares: `python -m bench.compat`.

The other Python stands for TensorFlow Serving: the C++ session loader of its TensorFlow is what the server of the same
number runs.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from training.data.load import load_data

_SCRIPT = Path(__file__).with_name("session_answers.py")
# Codes may differ in their last bits between two TensorFlows; what is rounded may not.
_CODE_TOLERANCE = 1e-5


def find_differences(version_dir: Path, other_python: Path, data: str) -> list[str]:
    """Every output in which the two runtimes disagree, in words; empty if they agree."""
    images = load_data(data).test_images
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "images.npy", images)
        ours, theirs = (_answer(python, version_dir, Path(folder)) for python in (Path(sys.executable), other_python))
    print(f"TensorFlow {ours.pop('tensorflow')} and {theirs.pop('tensorflow')}, {len(images)} images")
    python_operations = [str(name) for name in ours.pop("python_operations")]
    theirs.pop("python_operations")
    differences = [f"the graph calls Python by {name}" for name in python_operations]
    return differences + [line for name in ours for line in _compare(name, ours[name], theirs[name])]


def _answer(python: Path, version_dir: Path, folder: Path) -> dict[str, np.ndarray]:
    target = folder / "answers.npz"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [python, _SCRIPT, version_dir, folder / "images.npy", target]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise RuntimeError(f"{python} could not run {version_dir}:\n{outcome.stderr}")
    with np.load(target) as answers:
        return dict(answers)


def _compare(name: str, ours: np.ndarray, theirs: np.ndarray) -> list[str]:
    tolerance = _CODE_TOLERANCE if name in {"codes", "encoded"} else 0
    largest = float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max())
    print(f"{name:16} {ours.dtype!s:8} {ours.shape!s:16} largest difference {largest:.3g}, allowed {tolerance:g}")
    return [f"{name} differs by {largest:g}, allowed is {tolerance:g}"] if largest > tolerance else []


def main() -> int:
    """Compare, print, judge; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.compat", description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="a Python with another TensorFlow")
    parser.add_argument("--version-dir", type=Path, default=Path("models/digits/1"))
    parser.add_argument("--data", default="digits", help="as for `python -m training fit`; its test digits are sent")
    options = parser.parse_args()
    differences = find_differences(options.version_dir, options.python, options.data)
    print("\n".join(differences) or "both answer alike, and the graph calls no Python")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
