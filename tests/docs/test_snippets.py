"""Every console line and Python block of the README and the pages for readers does what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.console import Step, find_steps
from support.snippets import REPOSITORY, find_programs, run_program

from bench.running import RunningService

pytestmark = pytest.mark.tensorflow

GUIDES = ("docs/quickstart.md", "docs/how-it-works.md", "docs/faq.md", "docs/tutorial.md", "docs/your-own-crops.md")
PAGES = ("README.md", "docs/grpc.md", "docs/protocols.md", "docs/real-life.md", *GUIDES)
RUN_HERE = ("curl ", "python -m service score ")
# Beginnings of the guides' other commands, and what runs them instead of this file, or why nothing does.
RUN_ELSEWHERE = {
    "python -m training ": "tests/training/test_tutorial.py runs them on few digits, for few steps",
    "python -m docs.": "the same",
    "DIGITCODEC_MODEL__ROOT=tried ": "the same, with the service of the tests",
    "make serve": "it starts what the service of these tests is",
    "source .venv/bin/activate": "the Python of the tests is that one",
    "docker ": "needs an engine; `make image-test` builds the images and runs them without one",
}
# Numbers with a fraction differ in their last digits from one processor to the next, request ids always.
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_REQUEST_ID = re.compile(r'"request_id":"[^"]+"')

STEPS = [step for step in find_steps(*PAGES) if step.command.startswith(RUN_HERE)]
PROGRAMS = [program for page in PAGES for program in find_programs(page)]


def test_pages_have_snippets() -> None:
    """The tests below have something to run."""
    assert len(STEPS) >= 15
    assert len(PROGRAMS) >= 8


@pytest.mark.parametrize("step", find_steps(*GUIDES), ids=lambda step: step.command[:60])
def test_every_command_of_the_guides_is_run_or_there_is_a_reason(step: Step) -> None:
    """What readers are told to type is tried, or the list above says why not."""
    assert step.command.startswith((*RUN_HERE, *RUN_ELSEWHERE))


def test_every_reason_is_needed() -> None:
    """A beginning that no guide has any more leaves the list."""
    commands = [step.command for step in find_steps(*GUIDES)]

    assert [] == [start for start in RUN_ELSEWHERE if not any(each.startswith(start) for each in commands)]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.page}: {step.command[:60]}")
def test_command_prints_what_the_page_says(step: Step, service: RunningService, tmp_path: Path) -> None:
    """Text is equal, and numbers are equal to three digits."""
    check(step.output, run_command(localise(step.command, service), tmp_path))


@pytest.mark.parametrize(("program", "output"), PROGRAMS)
def test_python_block_prints_what_the_page_says(
    program: str, output: str, service: RunningService, tmp_path: Path
) -> None:
    """Each in a process of its own, as a reader would run it."""
    check(output, run_program(localise(program, service), tmp_path))


def localise(text: str, service: RunningService) -> str:
    """The snippet with the ports of the running service."""
    text = text.replace("127.0.0.1:8000", service.url.removeprefix("http://"))
    return text.replace("127.0.0.1:8001", service.grpc)


def run_command(command: str, folder: Path) -> str:
    """What a command prints in a folder with the docs and the service's packages; `python` is that of the tests."""
    for name in ("docs", "service"):
        (folder / name).symlink_to(REPOSITORY / name)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", command],  # noqa: S607 - that of the machine, as a reader's
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def check(output: str, printed: str) -> None:
    """Compare what is documented with what was printed."""
    assert strip_numbers(output) == strip_numbers(printed)
    assert pytest.approx(find_numbers(output), rel=1e-3, abs=1e-4) == find_numbers(printed)


def strip_numbers(text: str) -> str:
    """The text with placeholders for what may differ; the last line may have been cut inside a number."""
    return _NUMBER.sub("#", _REQUEST_ID.sub('"request_id":"#"', text)).strip()


def find_numbers(text: str) -> list[float]:
    """The numbers with a fraction, in order."""
    return [float(number) for number in _NUMBER.findall(text)]
