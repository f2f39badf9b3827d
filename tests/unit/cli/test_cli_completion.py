"""The scripts that make a shell complete the commands."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.cli.command import main
from service.cli.completion import render_script
from service.cli.flags import build_parser

_ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
_shtab_digitcodec 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(script: Path, *words: str) -> set[str]:
    """What bash offers for the last of the words."""
    command = ["bash", "-c", _ASK, "bash", str(script), *words]
    return set(subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.split())


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script of bash."""
    (tmp_path / "script").write_text(render_script(build_parser(), "bash"))
    return tmp_path / "script"


def test_bash_completes_commands_flags_and_choices(script: Path) -> None:
    """As far as each is known."""
    assert {"score"} == complete(script, "digitcodec", "sco")
    assert {"--batch-rows"} == complete(script, "digitcodec", "encode", "--batch")
    assert {"strict", "mnist"} == complete(script, "digitcodec", "score", "--preprocess", "")


def test_bash_completes_files(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of inputs."""
    (tmp_path / "seven.png").touch()
    monkeypatch.chdir(tmp_path)

    assert {"seven.png"} == complete(script, "digitcodec", "score", "sev")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And none knows what only workers are started with."""
    assert 0 == main(["completion", shell])
    script = capsys.readouterr().out

    for word in ("score", "decode", "doctor", "fail-on-anomaly", "key-file", "completion"):
        assert word in script
    assert "worker" not in script


def test_missing_shtab_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With what installs it."""
    monkeypatch.setitem(sys.modules, "shtab", None)

    assert 2 == main(["completion", "bash"])
    assert "pip install 'digitcodec[client]'" in capsys.readouterr().err
