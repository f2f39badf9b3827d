"""What a process of the command line imports, and how it ends when nobody listens any more."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
SEVEN = str(REPOSITORY / "docs" / "samples" / "seven.png")
HEAVY = {"tensorflow", "keras", "fastapi", "starlette", "uvicorn", "ray", "pyarrow"}

_PROGRAM = """
import sys
sys.argv = ["digitcodec", *{arguments!r}]
from service.__main__ import main
try:
    status = main()
except SystemExit as end:
    status = end.code
print("\\nstatus", status, *sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def list_imported(arguments: list[str]) -> tuple[int, set[str]]:
    """The status of a command in a fresh process, and the packages that it imported."""
    program = _PROGRAM.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    _, status, *names = done.stdout.splitlines()[-1].split()
    return int(status), set(names)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["score", "--help"]])
def test_help_needs_nothing_but_python(arguments: list[str]) -> None:
    """So it comes at once."""
    status, imported = list_imported(arguments)

    assert 0 == status
    assert set() == imported & (HEAVY | {"numpy", "PIL", "grpc", "httpx", "pydantic", "orjson", "tqdm", "shtab"})


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_is_asked_without_a_server_inside(scheme: str) -> None:
    """Up to the moment at which nobody answers."""
    arguments = ["score", SEVEN, "--server", f"{scheme}://127.0.0.1:1", "--timeout-s", "0.2"]
    status, imported = list_imported(arguments)

    assert 1 == status
    assert set() == imported & (HEAVY | {"pydantic", "uvloop", "prometheus_client"})


def test_completion_needs_no_service() -> None:
    """It is made of the flags alone."""
    status, imported = list_imported(["completion", "bash"])

    assert 0 == status
    assert set() == imported & (HEAVY | {"numpy", "grpc"})


@pytest.fixture
def models_command() -> list[str]:
    """A command that prints, and needs neither a server nor TensorFlow."""
    return [sys.executable, "-m", "service", "models", "--models", str(REPOSITORY / "models")]


def test_a_reader_who_leaves_is_no_error(models_command: list[str]) -> None:
    """As `| head` does it: no line about it, and the status that a shell has for it."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            models_command, cwd=REPOSITORY, stdout=pipe, stderr=subprocess.PIPE, check=False, timeout=60
        )

    assert (141, b"") == (done.returncode, done.stderr)


def test_interruption_ends_with_its_status() -> None:
    """Ctrl-C while standard input is waited for."""
    command = [sys.executable, "-u", "-c", _WAITING]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert b"reads\n" == child.stdout.readline()
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)

    assert (130, b"digitcodec: stopped\n") == (child.returncode, told)


_WAITING = """
import sys
from service.cli import command, decode_command
class Stdin:
    buffer = property(lambda self: self)
    def read(self):
        print("reads")
        return sys.__stdin__.buffer.read()
sys.stdin = Stdin()
sys.exit(command.main(["decode", "-"]))
"""
