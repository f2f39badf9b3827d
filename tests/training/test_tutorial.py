"""The trainer's commands of docs/tutorial.md and docs/your-own-crops.md, in their order: few digits, few steps."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from support.console import find_steps
from support.snippets import REPOSITORY

from bench.running import running_service
from training.__main__ import main
from training.data.load import DigitData

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

TUTORIAL, CROPS = "docs/tutorial.md", "docs/your-own-crops.md"
STEPS = "3"


def find_commands(page: str, start: str) -> list[str]:
    """The commands of a page that begin so."""
    return [step.command for step in find_steps(page) if step.command.startswith(start)]


def shorten(command: str) -> list[str]:
    """Arguments of the trainer for a command of a page: small digits for MNIST, few steps, few digits to judge."""
    words = shlex.split(command.replace("--data mnist", "--data digits"))
    if "--steps" in words:
        words[words.index("--steps") + 1] = STEPS
    if "evaluate" in words:
        words[words.index("--data") + 1] = "few.npz"  # the classical methods beside the model take minutes for more
    return words[words.index("training") + 1 :]


@pytest.fixture(scope="module")
def folder(small_digits: DigitData, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder of both pages' readers: with the default model, and where they make their versions."""
    place = tmp_path_factory.mktemp("clone")
    (place / "models").mkdir()
    (place / "models" / "digits").symlink_to(REPOSITORY / "models" / "digits")
    images, labels = small_digits.test_images, small_digits.test_labels
    assert labels is not None
    np.savez(place / "few.npz", x_train=images[:20], y_train=labels[:20], x_test=images[20:80], y_test=labels[20:80])
    before = Path.cwd()
    os.chdir(place)
    yield place
    os.chdir(before)


def list_made(arguments: list[str]) -> list[str]:
    """Files that a command of the trainer leaves behind."""
    match arguments:
        case ["survey", *_]:
            return ["seen.png"]
        case ["fit", *options]:
            return [f"tried/{options[options.index('--name') + 1]}/1/saved_model.pb"]
        case ["evaluate", version, *_]:
            return [f"reports/{'-'.join(version.split('/')[1:])}/report.html"]
        case ["promote", *_]:
            return ["models/meters/1/saved_model.pb"]
        case _:
            return []


# No test here captures the standard error stream: the trainer's progress keeps the one of its first command.
@pytest.mark.parametrize("command", find_commands(TUTORIAL, "python -m training "))
def test_step_of_the_tutorial_works(command: str, folder: Path) -> None:
    """Every recipe is fitted and published; the version that is looked at has been published before."""
    arguments = shorten(command)

    assert 0 == main(arguments)
    assert [] == [name for name in list_made(arguments) if not (folder / name).is_file()]


def test_crops_are_written(folder: Path) -> None:
    """As many as the page says."""
    (step,) = [step for step in find_steps(CROPS) if step.command.startswith("python -m docs.crops ")]
    words = [sys.executable, *shlex.split(step.command)[1:]]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    subprocess.run(words, check=True, timeout=60, env=environment)

    assert 600 == len(list((folder / "crops").glob("*/*.png")))
    assert "--count 600" in step.command


@pytest.mark.parametrize("command", find_commands(CROPS, "python -m training "))
def test_step_with_own_crops_works(command: str, folder: Path) -> None:
    """From the survey to the gate, with the crops that were written."""
    arguments = shorten(command)

    assert 0 == main(arguments)
    assert [] == [name for name in list_made(arguments) if not (folder / name).is_file()]


@pytest.mark.parametrize("page", [TUTORIAL, CROPS])
def test_model_of_the_page_is_served(page: str, folder: Path) -> None:
    """By the settings that the page gives."""
    (command,) = find_commands(page, "DIGITCODEC_MODEL__ROOT=")
    settings = dict(re.findall(r"(DIGITCODEC_\w+)=(\S+)", command))
    settings["DIGITCODEC_MODEL__ROOT"] = str(folder / settings["DIGITCODEC_MODEL__ROOT"])
    seven = (REPOSITORY / "docs" / "samples" / "seven.png").read_bytes()

    with running_service(settings, cwd=REPOSITORY) as service:
        answer = httpx.post(
            f"{service.url}/score?preprocess=mnist", content=seven, headers={"content-type": "image/png"}, timeout=30
        )

    assert command.endswith(" python -m service")
    assert (200, settings["DIGITCODEC_MODEL__NAME"]) == (answer.status_code, answer.json()["model"]["name"])


def test_pages_tell_the_whole_road() -> None:
    """From the first article's network to the default; and of crops from the survey to the gate."""
    recipes = re.findall(r"--recipe (\S+)", " ".join(find_commands(TUTORIAL, "python -m training fit ")))
    crops = [shorten(command)[0] for command in find_commands(CROPS, "python -m training ")]

    assert [
        "relu-300-100-20",
        "single-32",
        "fixed-2d",
        "conv-32",
        "plain-32",
        "denoising-32",
        "sparse-64",
        "vae-16",
    ] == (recipes)
    assert ["survey", "fit", "evaluate", "compare", "promote"] == crops
