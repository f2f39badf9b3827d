"""The machine's own pip configuration for the build stage: where packages come from is no matter of the repository."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.images.storage import run_command

_WANTED = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy", "cert", "client-cert")
_FILE = "file://"


@dataclass(frozen=True, slots=True)
class PipSettings:
    """What pip is told on this machine.

    Attributes:
        text: A configuration file.
        paths: Files and folders of this machine that it names.
    """

    text: str
    paths: tuple[Path, ...]


def read_pip_settings(python: str) -> PipSettings:
    """The settings of one Python's pip.

    Raises:
        CommandFailedError: If it has no pip.
    """
    return parse_pip_settings(run_command([python, "-m", "pip", "config", "list"]))


def parse_pip_settings(listed: str) -> PipSettings:
    """The same from the lines of `pip config list`; variables of the environment come before files, as pip has it."""
    found: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = ast.literal_eval(value)
    chosen = {name: found[name] for name in _WANTED if name in found}
    lines = [f"{name} = {' '.join(value.split())}" for name, value in chosen.items()]
    return PipSettings("\n".join(["[global]", *lines, ""]), tuple(sorted(set(_find_paths(chosen)))))


def _find_paths(settings: Mapping[str, str]) -> Iterator[Path]:
    for word in " ".join(settings.values()).split():
        if word.startswith(_FILE):
            # The pages of an index may link to files beside it.
            yield Path(word.removeprefix(_FILE)).parent
        elif word.startswith("/"):
            yield Path(word)
