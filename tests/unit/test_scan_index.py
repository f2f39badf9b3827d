"""What the package index's clients print is read right, and their silence is told."""

import sys
from datetime import date

import pytest

from bench.scan.clients import IndexUnavailableError, run_client
from bench.scan.index import Release, find_newest, parse_pylock, parse_yanked
from bench.scan.newer import count_newer

PYLOCK = """
lock-version = "1.0"
[[packages]]
name = "Some_Thing"
version = "1.0"
sdist = { url = "a", upload-time = 2025-01-02T03:04:05Z }
wheels = [{ url = "b", upload-time = 2025-03-04T00:00:00Z }, { url = "c" }]
[[packages]]
name = "some-thing"
version = "1.1"
wheels = [{ url = "d", upload-time = 2025-02-01T00:00:00Z }]
[[packages]]
name = "undated"
version = "2"
wheels = [{ url = "e" }]
"""


def test_days_are_those_of_the_last_file() -> None:
    """A release is as young as its youngest file; an index without times gives none."""
    assert [
        ("some-thing", Release("1.0", date(2025, 3, 4))),
        ("some-thing", Release("1.1", date(2025, 2, 1))),
        ("undated", Release("2", None)),
    ] == parse_pylock(PYLOCK)


def test_newest_is_the_last_uploaded() -> None:
    """Where Pythons differ in what is newest, the younger one shows that somebody works on it."""
    assert {"some-thing": Release("1.0", date(2025, 3, 4)), "undated": Release("2", None)} == find_newest(
        parse_pylock(PYLOCK)
    )


def test_warnings_of_yanked_pins_are_read() -> None:
    """With the reason, or without one."""
    warnings = (
        "Resolved 2 packages in 1ms\n"
        'warning: `At.trs==21.1.0` is yanked (reason: "Not importable.")\n'
        "warning: `other==1` is yanked\n"
    )

    assert {("at-trs", "21.1.0"): "Not importable.", ("other", "1"): "no reason given"} == parse_yanked(warnings)


@pytest.mark.parametrize(
    ("versions", "count"), [(["3.0"], 0), (["2.0"], 1), (["1.0", "2.0"], 1), (["2.0b1"], None), ([], None)]
)
def test_newer_releases_are_counted(versions: list[str], count: int | None) -> None:
    """Those that pip lists before the newest pin; what pip does not list is not guessed."""
    assert count == count_newer("thing (3.0)\nAvailable versions: 3.0, 2.0, 1.0\n  LATEST: 3.0\n", versions)


def test_refusal_of_a_client_is_told() -> None:
    """Its last words say why."""
    command = (sys.executable, "-c", "import sys; sys.exit('error: no\\n  cause: Connection refused')")

    with pytest.raises(IndexUnavailableError, match="cause: Connection refused"):
        run_client(command, timeout_s=60)


def test_silence_of_a_client_ends() -> None:
    """A client that does not end is ended."""
    with pytest.raises(IndexUnavailableError, match="no answer within"):
        run_client((sys.executable, "-c", "import signal; signal.pause()"), timeout_s=0.1)
