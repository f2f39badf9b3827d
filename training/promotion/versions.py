"""Version directories as they lie on disk: what their model cards say, their size, the newest; loads no model."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from training.errors import EvaluationError
from training.export.card import CARD_FILE

_GRAPH = "saved_model.pb"


@dataclass(frozen=True)
class Version:
    """A version that says what it is.

    Attributes:
        directory: Where it lies, as it was given.
        card: Its whole model card, which JSON can hold again.
        recipe: Name of the recipe.
        code_dim: Width of its codes, >= 1.
        parameters: How many numbers were fitted, >= 1.
        seed: Of the training.
        data_name: What it was trained on.
        data_sha256: The pixels of that, training and test.
        test_images: How many of them the card's figures rest on, >= 1.
        calibration_size: How many images calibrate its scores, >= 1.
        metrics: The card's figures, nested.
        size_bytes: Of all its files.
    """

    directory: Path
    card: dict[str, Any]
    recipe: str
    code_dim: int
    parameters: int
    seed: int
    data_name: str
    data_sha256: str
    test_images: int
    calibration_size: int
    metrics: dict[str, Any]
    size_bytes: int

    @property
    def folder_name(self) -> str:
        """Model and number, which say nothing of the rest of a machine."""
        return "/".join(self.directory.resolve().parts[-2:])

    @property
    def data_label(self) -> str:
        """What it was trained on, with enough of the digest to tell two data sets of one name apart."""
        return f"{self.data_name} {self.data_sha256[:12]}"


def load_version(directory: Path) -> Version:
    """What a version directory says of itself.

    Args:
        directory: Holds `saved_model.pb`; its name is the version's number.

    Raises:
        EvaluationError: If it is no version, or has no model card that says all of this.
    """
    _check_directory(directory)
    card = _read_card(directory / CARD_FILE)
    fields = {name: _take(card, field, directory) for name, field in _FIELDS.items()}
    size_bytes = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    return Version(directory=directory, card=card, size_bytes=size_bytes, **fields)


def find_newest(model_dir: Path) -> Path | None:
    """The version with the largest number; None where there is none. Folders without a graph are no versions."""
    return next(reversed(_list_versions(model_dir)), None)


def hold_same_model(one: Path, other: Path) -> bool:
    """True if graph and variables of two versions are the same, whatever their cards say."""
    return _digest(one) == _digest(other)


def _check_directory(directory: Path) -> None:
    versions = _list_versions(directory)
    if versions:
        numbers = ", ".join(version.name for version in versions)
        raise EvaluationError(f"{directory} is a model with the versions {numbers}; give one, such as {versions[-1]}")
    if not (directory / _GRAPH).is_file():
        raise EvaluationError(f"{directory} holds no {_GRAPH}; give a version, such as models/digits/1")
    if not _is_number(directory.resolve().name):
        raise EvaluationError(f"{directory} does not end in a version number, as models/digits/1 does")


def _list_versions(model_dir: Path) -> list[Path]:
    """By rising number."""
    if not model_dir.is_dir():
        return []
    found = [entry for entry in model_dir.iterdir() if _is_number(entry.name) and (entry / _GRAPH).is_file()]
    return sorted(found, key=lambda version: int(version.name))


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal()


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text("utf-8"))
        json.dumps(card, allow_nan=False)  # NaN is Python's own idea of JSON: no other reader takes it
    except FileNotFoundError as error:
        raise EvaluationError(f"{path.parents[1]} has no model card, expected {path}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluationError(f"{path} is no readable model card: {error}") from error
    if not isinstance(card, dict):
        raise EvaluationError(f"{path} is no model card: it holds a JSON {type(card).__name__}, expected an object")
    return card


def _take(card: dict[str, Any], field: "_Field", directory: Path) -> Any:
    """The value behind a dotted key."""
    found: Any = card
    for part in field.key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if not field.fits(found):
        raise EvaluationError(f"the model card of {directory} has {field.key} {found!r}, expected {field.expected}")
    return found


def _digest(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in [directory / _GRAPH, *sorted((directory / "variables").glob("*"))]:
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class _Field(NamedTuple):
    """Where a value stands on the card, and what it must be."""

    key: str
    expected: str
    fits: Callable[[Any], bool]


def _is_text(found: Any) -> bool:
    return isinstance(found, str)


def _is_count(found: Any) -> bool:
    return isinstance(found, int) and found >= 1


_FIELDS = {
    "recipe": _Field("recipe.name", "a name", _is_text),
    "code_dim": _Field("code_dim", "a number from 1", _is_count),
    "parameters": _Field("parameters", "a number from 1", _is_count),
    "seed": _Field("seed", "a whole number", lambda found: isinstance(found, int)),
    "data_name": _Field("data.name", "a name", _is_text),
    "data_sha256": _Field("data.sha256", "a digest", _is_text),
    "test_images": _Field("data.test_images", "a number from 1", _is_count),
    "calibration_size": _Field("calibration.size", "a number from 1", _is_count),
    "metrics": _Field("metrics", "figures by name", lambda found: isinstance(found, dict)),
}
