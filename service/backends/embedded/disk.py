"""What lies below models/<name>: version directories as TensorFlow Serving names them, and their companion files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

CANNOT_BE_LOADED = "cannot be loaded: "
"""How the error of a version begins whose files TensorFlow cannot take."""

_GRAPH = "saved_model.pb"
_CARD = "assets.extra/model_card.json"
_WARMUP = "assets.extra/tf_serving_warmup_requests"


class UnusableModelError(Exception):
    """A version's SavedModel cannot be read, or is not what contract one promises."""


@dataclass(frozen=True, slots=True)
class Companions:
    """The files of contract one beside a graph; a version serves without them.

    Attributes:
        card: The model card, or None where there is none that can be read.
        missing: What is not there, or cannot be read.
    """

    card: dict[str, Any] | None
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionDirectory:
    """One version on disk.

    Attributes:
        version: Its number, the directory's name.
        path: The directory.
        stamp: Changes when the graph or its variables are written again.
    """

    version: int
    path: Path
    stamp: tuple[int, ...]

    def read_companions(self) -> Companions:
        """Read the model card, and look for the warm-up file."""
        absent = tuple(name for name in (_WARMUP, _CARD) if not (self.path / name).is_file())
        if _CARD in absent:
            return Companions(None, absent)
        try:
            return Companions(_read_card(self.path / _CARD), absent)
        except (OSError, ValueError) as error:
            return Companions(None, (*absent, f"a readable model card: {error}"))


def find_versions(model_directory: Path) -> dict[int, VersionDirectory]:
    """Every directory with a positive integer for a name, whole or damaged, newest first.

    A folder that does not exist holds no versions: it may be mounted or filled later.
    """
    if not model_directory.is_dir():
        return {}
    paths = [path for path in model_directory.iterdir() if _is_version(path)]
    found = [VersionDirectory(int(path.name), path, _stamp(path)) for path in paths]
    return {each.version: each for each in sorted(found, key=lambda each: -each.version)}


def _is_version(path: Path) -> bool:
    return path.name.isascii() and path.name.isdecimal() and int(path.name) > 0 and path.is_dir()


def _read_card(path: Path) -> dict[str, Any]:
    card = orjson.loads(path.read_bytes())
    if not isinstance(card, dict):
        raise ValueError(f"{_CARD} holds a JSON {type(card).__name__}, expected an object")  # noqa: TRY004 - the file is at fault, not a caller
    return card


def _stamp(path: Path) -> tuple[int, ...]:
    stamp: list[int] = []
    for file in [path / _GRAPH, *sorted((path / "variables").glob("*"))]:
        try:
            status = file.stat()
        except OSError:  # absent, or being replaced at this moment: the next look sees it
            stamp.append(0)
        else:
            stamp += [status.st_mtime_ns, status.st_size, status.st_ino]
    return tuple(stamp)
