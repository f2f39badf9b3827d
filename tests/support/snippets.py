"""Python blocks of the pages, each with the output that the page shows below it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(r"^```python\n(.*?)^```\n+^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Numbers with a fraction differ in their last digits from one processor to the next.
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def find_programs(page: str) -> list[tuple[str, str]]:
    """Every program of a page and its output; none is without."""
    text = (REPOSITORY / page).read_text()
    programs = _BLOCK.findall(text)
    assert len(programs) == text.count("```python\n")
    return programs


def run_program(program: str, folder: Path) -> str:
    """What a program prints, in a process of its own and a folder with the docs and the service's packages."""
    for name in ("docs", "service"):
        (folder / name).symlink_to(REPOSITORY / name)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True).stdout


def check_output(output: str, printed: str) -> None:
    """Text is equal, and numbers are equal to three digits."""
    assert _NUMBER.sub("#", output).strip() == _NUMBER.sub("#", printed).strip()
    assert pytest.approx(_find_numbers(output), rel=1e-3, abs=1e-4) == _find_numbers(printed)


def _find_numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]
