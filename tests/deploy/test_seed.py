"""deploy/seed/seed.py: the default model comes onto an empty volume, whole, and never over what is there."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.metric_names import REPOSITORY

SCRIPT = REPOSITORY / "deploy" / "seed" / "seed.py"
MODEL = REPOSITORY / "models" / "digits"
Seed = Callable[[Path, Path], subprocess.CompletedProcess[str]]


@pytest.fixture
def seed() -> Seed:
    """Runs the script as containers do, with no package but Python's own."""

    def run(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", str(SCRIPT), str(source), str(target)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


def list_files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_empty_volume_gets_the_model(seed: Seed, tmp_path: Path) -> None:
    """All of it, readable for others, and nothing beside it."""
    target = tmp_path / "digits"
    answer = seed(MODEL, target)
    version = target / "1"

    assert (0, f"copied 1 to {target}\n") == (answer.returncode, answer.stdout)
    assert list_files(MODEL / "1") == list_files(version)
    assert ["1"] == [path.name for path in target.iterdir()]
    assert {0o644, 0o755} == {path.stat().st_mode & 0o777 for path in [version, *version.rglob("*")]}


def test_volume_with_a_version_stays_as_it_is(seed: Seed, tmp_path: Path) -> None:
    """Even if it is another one than the image's: a rollback must not come back with a restart."""
    mine = tmp_path / "digits" / "7" / "saved_model.pb"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    answer = seed(MODEL, tmp_path / "digits")

    assert (0, f"{tmp_path / 'digits'} has 7\n") == (answer.returncode, answer.stdout)
    assert {"digits/7/saved_model.pb": b"mine"} == list_files(tmp_path)


def test_replicas_with_one_volume_do_not_harm_each_other(tmp_path: Path) -> None:
    """Several at the same time leave one whole version and no leftovers."""
    target = tmp_path / "digits"
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(MODEL), str(target)]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]

    assert [0, 0, 0, 0] == [each.wait(timeout=60) for each in running]
    assert list_files(MODEL) == list_files(target)


def test_source_without_a_version_is_an_error(seed: Seed, tmp_path: Path) -> None:
    """An image without a model must not look like success."""
    (tmp_path / "empty").mkdir()
    answer = seed(tmp_path / "empty", tmp_path / "digits")

    assert 1 == answer.returncode
    assert answer.stderr.endswith(f"FileNotFoundError: {tmp_path / 'empty'} has no version\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_root_gives_the_volume_to_the_trainer(seed: Seed, tmp_path: Path) -> None:
    """The folder above the versions too, where the trainer keeps what it downloads."""
    volume = tmp_path / "models"
    seed(MODEL, volume / "digits")

    assert {(10001, 10001)} == {(path.stat().st_uid, path.stat().st_gid) for path in [volume, *volume.rglob("*")]}
