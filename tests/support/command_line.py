"""The command line in a process of its own, as people have it: `digitcodec` on the path of a shell."""

import os
import re
import subprocess
import sys
from pathlib import Path

from support.snippets import REPOSITORY

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LIMIT_S = 120


def find_sessions(page: str) -> list[list[tuple[str, str]]]:
    """The console blocks of a page, each as commands with what is printed below them."""
    return [_part(block) for block in _BLOCK.findall((REPOSITORY / page).read_text())]


def _part(block: str) -> list[tuple[str, str]]:
    steps = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (step.partition("\n") for step in steps)]


class Shell:
    """Runs lines in a folder that has the docs."""

    def __init__(self, folder: Path, server: str | None) -> None:
        """Make `digitcodec` a command.

        Args:
            folder: Where it is run.
            server: What DIGITCLI_SERVER says; None for the model in the process.
        """
        (folder / "docs").symlink_to(REPOSITORY / "docs")
        programs = folder / ".programs"
        programs.mkdir()
        command = programs / "digitcodec"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m service "$@"\n')
        command.chmod(0o755)
        self._folder = folder
        self._environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "DIGITCODEC_MODEL__ROOT": str(REPOSITORY / "models"),
        }
        if server is not None:
            self._environment["DIGITCLI_SERVER"] = server

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """What a line prints on both streams, in order."""
        command = ["bash", "-c", line]
        return subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
