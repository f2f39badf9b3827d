"""The model card: what it says of a training, the command that repeats it, and the commit."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from training.config import TrainConfig, with_steps
from training.data.load import DigitData
from training.data.split import split_training
from training.export.card import Outcome, build_card, find_commit
from training.recipes import find_recipe

RECIPE = with_steps(find_recipe("denoising-32"), 30)
START = "python -m training fit --recipe denoising-32"
PARTS = split_training(np.zeros((1617, 28, 28), np.uint8), 319)
OUTCOME = Outcome(PARTS, watched_error=0.1, steps=30, seconds=1.0, git_commit=None)
REST = "--seed 0 --steps 30 --held-out 319"


def test_card_holds_what_the_fit_left_behind(small_digits: DigitData) -> None:
    """Calibration, its largest threshold, parts, watched error, steps, duration and commit are those of the outcome."""
    config = TrainConfig(RECIPE, "digits", Path("models"), seed=3)

    outcome = Outcome(PARTS, watched_error=0.0123456789, steps=25, seconds=61.26, git_commit="abc-dirty")

    card = build_card(config, small_digits, {"clean": {"mse": 0.5}}, outcome)

    assert 319 == card["calibration"]["size"]
    assert 319 / 320 == card["calibration"]["largest_threshold"]
    assert (0.012346, 25, 61.3, "abc-dirty", 3) == (
        card["watched_error"],
        card["training_steps"],
        card["training_seconds"],
        card["git_commit"],
        card["seed"],
    )
    assert (1235, 63) == (card["data"]["fitted_images"], card["data"]["watched_images"])
    assert (small_digits.sha256, "digits") == (card["data"]["sha256"], card["data"]["name"])
    assert {"clean": {"mse": 0.5}} == card["metrics"]


@pytest.mark.parametrize(
    ("config", "command"),
    [
        (TrainConfig(RECIPE, None, Path("m")), f"{START} {REST}"),
        (TrainConfig(RECIPE, "digits", Path("m")), f"{START} --data digits {REST}"),
        (TrainConfig(RECIPE, "some/few.npz", Path("m")), f"{START} --data DIR/few.npz {REST}"),
        (TrainConfig(RECIPE, "some/digits", Path("m")), f"{START} --data DIR/digits {REST}"),
        (TrainConfig(RECIPE, None, Path("m"), name="eights"), f"{START} --name eights {REST}"),
        (TrainConfig(RECIPE, None, Path("m"), split=0.2), f"{START} {REST} --split 0.2"),
        (TrainConfig(RECIPE, None, Path("m"), precision="mixed"), f"{START} {REST} --precision mixed"),
        (
            TrainConfig(RECIPE, None, Path("m"), fashion=Path("a/clothes.gz")),
            f"{START} {REST} --fashion DIR/clothes.gz",
        ),
    ],
)
def test_command_makes_the_model_again(config: TrainConfig, command: str, small_digits: DigitData) -> None:
    """Of paths the last part stays; what is the default is left out."""
    assert command == build_card(config, small_digits, {}, OUTCOME)["command"]


def test_current_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_digits: DigitData) -> None:
    """`--data .` is told by the name of the folder."""
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")

    card = build_card(TrainConfig(RECIPE, ".", Path("m")), small_digits, {}, OUTCOME)

    assert f"{START} --data DIR/own {REST}" == card["command"]


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(  # our own repository
        ["git", "-C", str(folder), *identity, *arguments],  # noqa: S607  # wherever git is
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_commit_is_told_for_tracked_files_alone(tmp_path: Path) -> None:
    """The exact commit, `-dirty` after a change, and None for a file that merely lies in a checkout."""
    ours, foreign = tmp_path / "ours.py", tmp_path / "foreign.py"
    ours.write_text("1\n")
    assert find_commit(ours) is None
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "add", "ours.py")
    _git(tmp_path, "commit", "--quiet", "--message", "one")
    commit = _git(tmp_path, "rev-parse", "HEAD")
    foreign.write_text("2\n")

    assert commit == find_commit(ours)
    assert find_commit(foreign) is None
    ours.write_text("3\n")
    assert f"{commit}-dirty" == find_commit(ours)
