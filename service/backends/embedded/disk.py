"""What lies below models/<name>: version directories as TensorFlow Serving names them, and their companion files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_GRAPH = "saved_model.pb"
_CARD = "assets.extra/model_card.json"
_WARMUP = "assets.extra/tf_serving_warmup_requests"


class UnusableModelError(Exception):
    """A version's SavedModel cannot be read, or is not what contract one promises."""


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

    def find_missing(self) -> tuple[str, ...]:
        """Companion files of contract one that are not there; the version serves without them."""
        return tuple(name for name in (_WARMUP, _CARD) if not (self.path / name).is_file())

    def load_card(self) -> dict[str, Any] | None:
        """The model card, or None if there is none.

        Raises:
            ValueError: If the card is no JSON object.
        """
        path = self.path / _CARD
        if not path.is_file():
            return None
        card = orjson.loads(path.read_bytes())
        if not isinstance(card, dict):
            raise ValueError(f"{_CARD} holds a JSON {type(card).__name__}, expected an object")  # noqa: TRY004 - the file is at fault, not a caller
        return card


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


def _stamp(path: Path) -> tuple[int, ...]:
    stamp: list[int] = []
    for name in (_GRAPH, "variables/variables.index"):
        try:
            status = (path / name).stat()
        except OSError:  # absent, or being replaced at this moment: the next look sees it
            stamp.append(0)
        else:
            stamp += [status.st_mtime_ns, status.st_size, status.st_ino]
    return tuple(stamp)
