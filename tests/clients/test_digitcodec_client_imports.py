"""What a process with the client imports: what it uses, and nothing of a server."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SERVERS = ("fastapi", "starlette", "uvicorn", "pydantic", "tensorflow", "keras", "orjson")

_PROGRAM = """
import sys
{hide}
from service.client import Client
{make}
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def list_imported(make: str, hide: str = "") -> set[str]:
    """Packages that a fresh process has after a program."""
    program = _PROGRAM.format(make=make, hide=hide)
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return set(printed.stdout.split())


@pytest.mark.parametrize(
    ("make", "needed", "not_needed"),
    [
        ("", set(), {"httpx", "grpc", "tqdm"}),
        ("Client('http://127.0.0.1:8000').close()", {"httpx"}, {"grpc", "tqdm"}),
        ("Client('grpc://127.0.0.1:8001').close()", {"grpc"}, {"httpx", "tqdm"}),
    ],
)
def test_only_what_is_used_is_imported(make: str, needed: set[str], not_needed: set[str]) -> None:
    """Nothing of a server, ever."""
    imported = list_imported(make)

    assert needed <= imported
    assert set() == imported & (not_needed | set(SERVERS))


def test_missing_httpx_is_said_with_what_to_do() -> None:
    """GRPC does not miss it."""
    hide = "sys.modules['httpx'] = None"
    list_imported("Client('grpc://127.0.0.1:8001').close()", hide)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        list_imported("Client('http://127.0.0.1:8000')", hide)

    assert "pip install 'digitcodec[client]'" in caught.value.stderr
