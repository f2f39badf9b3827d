"""Each curl line of the README prints what the README says."""

import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.tensorflow

REPOSITORY = Path(__file__).resolve().parents[2]
# Numbers with a fraction differ in their last digits from one processor to the next, request ids always.
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_REQUEST_ID = re.compile(r'"request_id":"[^"]+"')


def find_commands() -> list[tuple[str, str]]:
    """Every curl command of the README's console blocks, with the output written below it."""
    blocks = re.findall(r"^```console\n(.*?)^```", (REPOSITORY / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    steps = [step for block in blocks for step in re.split(r"^\$ ", block, flags=re.MULTILINE) if step]
    pairs = [step.partition("\n")[::2] for step in steps]
    return [(command, output) for command, output in pairs if command.startswith("curl")]


def test_readme_has_curl_lines() -> None:
    """The test below has something to run."""
    assert len(find_commands()) >= 5


@pytest.mark.parametrize(("command", "output"), find_commands())
def test_curl_line_prints_what_the_readme_says(command: str, output: str, service_url: str, tmp_path: Path) -> None:
    """Text is equal, and numbers are equal to three digits."""
    (tmp_path / "docs").symlink_to(REPOSITORY / "docs")
    local = command.replace("http://127.0.0.1:8000", service_url)
    printed = subprocess.run(
        ["bash", "-c", local],  # noqa: S607 - the user's own shell
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True,
    ).stdout  # fmt: skip

    assert strip_numbers(output) == strip_numbers(printed)
    assert pytest.approx(find_numbers(output), rel=1e-3, abs=1e-4) == find_numbers(printed)


def strip_numbers(text: str) -> str:
    """The text with placeholders for what may differ; the last line may have been cut inside a number."""
    return _NUMBER.sub("#", _REQUEST_ID.sub('"request_id":"#"', text)).strip()


def find_numbers(text: str) -> list[float]:
    """The numbers with a fraction, in order."""
    return [float(number) for number in _NUMBER.findall(text)]
