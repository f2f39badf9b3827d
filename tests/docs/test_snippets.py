"""Every console line and Python block of the README and the protocol pages does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.running import RunningService

pytestmark = pytest.mark.tensorflow

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/grpc.md", "docs/protocols.md")
# Numbers with a fraction differ in their last digits from one processor to the next, request ids always.
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_REQUEST_ID = re.compile(r'"request_id":"[^"]+"')
_BLOCK = re.compile(r"^```python\n(.*?)^```\n+^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(page: str) -> str:
    """The text of a page."""
    return (REPOSITORY / page).read_text()


def find_commands() -> list[tuple[str, str]]:
    """Every curl command of the pages' console blocks, with the output written below it."""
    blocks = [
        block for page in PAGES for block in re.findall(r"^```console\n(.*?)^```", read(page), re.MULTILINE | re.DOTALL)
    ]
    steps = [step for block in blocks for step in re.split(r"^\$ ", block, flags=re.MULTILINE) if step]
    pairs = [step.partition("\n")[::2] for step in steps]
    return [(command, output) for command, output in pairs if command.startswith("curl")]


def find_programs() -> list[tuple[str, str]]:
    """Every Python block of the pages, with the output written below it."""
    return [(program, output) for page in PAGES for program, output in _BLOCK.findall(read(page))]


def test_pages_have_snippets() -> None:
    """The tests below have something to run, and no Python block is without its output."""
    assert len(find_commands()) >= 8
    assert len(find_programs()) == sum(read(page).count("\n```python\n") for page in PAGES) >= 4


@pytest.mark.parametrize(("command", "output"), find_commands())
def test_curl_line_prints_what_the_page_says(
    command: str, output: str, service: RunningService, tmp_path: Path
) -> None:
    """Text is equal, and numbers are equal to three digits."""
    check(output, run(["bash", "-c", localise(command, service)], tmp_path))


@pytest.mark.parametrize(("program", "output"), find_programs())
def test_python_block_prints_what_the_page_says(
    program: str, output: str, service: RunningService, tmp_path: Path
) -> None:
    """Each in a process of its own, as a reader would run it."""
    check(output, run([sys.executable, "-c", localise(program, service)], tmp_path))


def localise(text: str, service: RunningService) -> str:
    """The snippet with the ports of the running service."""
    text = text.replace("127.0.0.1:8000", service.url.removeprefix("http://"))
    return text.replace("127.0.0.1:8001", service.grpc)


def run(command: list[str], folder: Path) -> str:
    """What a command prints in a folder with the docs and the service's packages."""
    for name in ("docs", "service"):
        (folder / name).symlink_to(REPOSITORY / name)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True).stdout


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
