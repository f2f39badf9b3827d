"""What the package index says of our pins, asked through uv, which writes upload times into a pylock.toml."""

import re
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from bench.scan.clients import run_client
from bench.scan.locks import FOLDER, Lock
from bench.scan.names import normalise

_OLDEST_PYTHON = "3.11"
_UV = (
    *(sys.executable, "-m", "uv", "pip", "compile", "--no-deps", "--universal", "--no-header", "--no-emit-index-url"),
    *("--color", "never", "--python-version", _OLDEST_PYTHON, "--format", "pylock.toml"),
)
_TIMEOUT_S = 30
_YANKED = re.compile(r"warning: `([\w.-]+)==([^`]+)` is yanked(?: \(reason: \"(.*)\"\))?")


class Release(NamedTuple):
    """A release.

    Attributes:
        version: Its version.
        uploaded: The day of its last file; None if the index tells no times.
    """

    version: str
    uploaded: date | None


@dataclass(frozen=True, slots=True)
class Releases:
    """What the index said.

    Attributes:
        uploaded: The day of the last file of each pin, by name and version; None if the index tells no times.
        yanked: Why a pin was taken back, by name and version.
        newest: The last uploaded release that suits a Python we support, by name.
    """

    uploaded: dict[tuple[str, str], date | None]
    yanked: dict[tuple[str, str], str]
    newest: dict[str, Release]


def ask_index(repository: Path, locks: Iterable[Lock]) -> Releases:
    """Ask for the dates of all pins and for the newest releases.

    Raises: IndexUnavailableError if there is no answer in the time allowed.
    """
    answers = [_run_uv(str(repository / FOLDER / f"{lock.name}.txt")) for lock in locks]
    pins = {(name, release.version): release for answer, _ in answers for name, release in parse_pylock(answer)}
    names = {name for name, _ in pins}
    return Releases(
        uploaded={key: release.uploaded for key, release in pins.items()},
        yanked={key: why for _, warnings in answers for key, why in parse_yanked(warnings).items()},
        newest=find_newest(parse_pylock(_run_uv("-", "\n".join(sorted(names)))[0])),
    )


def parse_pylock(text: str) -> list[tuple[str, Release]]:
    """Names and releases of a pylock.toml; a name can come twice, for different Pythons."""
    packages = tomllib.loads(text)["packages"]
    return [(normalise(each["name"]), Release(each["version"], _find_last_upload(each))) for each in packages]


def find_newest(releases: Iterable[tuple[str, Release]]) -> dict[str, Release]:
    """The last uploaded one of each name."""
    ordered = sorted(releases, key=lambda each: each[1].uploaded or date.min)
    return dict(ordered)


def parse_yanked(warnings: str) -> dict[tuple[str, str], str]:
    """Name and version of what uv warns of, with the reason given."""
    return {(normalise(name), version): why or "no reason given" for name, version, why in _YANKED.findall(warnings)}


def _find_last_upload(package: dict[str, Any]) -> date | None:
    files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    return max((file["upload-time"].date() for file in files if "upload-time" in file), default=None)


def _run_uv(source: str, text: str = "") -> tuple[str, str]:
    """The lock that uv makes of a file of requirements (`-`: of the text), and its warnings."""
    return run_client((*_UV, source), timeout_s=_TIMEOUT_S, text=text)
