"""What lies beside a model's graph: its card and the history of its fit; both may be missing."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.errors import EvaluationError
from training.export.card import CARD_FILE, HISTORY_FILE
from training.report.fit_curves import History


@dataclass(frozen=True)
class Version:
    """A published version, as far as it is not its graph.

    Attributes:
        name: The model's name.
        number: The version.
        card: What the training wrote of it; empty if it has none.
        history: How the fit went; None if it did not say.
    """

    name: str
    number: str
    card: dict[str, Any]
    history: History | None


def read_version(version_dir: Path) -> Version:
    """Read what a version says of itself.

    Raises:
        EvaluationError: If one of its two files is there and cannot be understood.
    """
    folder = version_dir.resolve()
    card = _read_json(folder / CARD_FILE) or {}
    return Version(card.get("name", folder.parent.name), folder.name, card, _read_history(folder / HISTORY_FILE))


def _read_history(path: Path) -> History | None:
    told = _read_json(path)
    if told is None:
        return None
    try:
        history = History(*(np.array(told[key], np.float64) for key in History.__dataclass_fields__))
    except (KeyError, TypeError, ValueError) as error:
        raise EvaluationError(f"{path} is no history of a fit: {error!r}") from error
    if not (history.steps.ndim == 1 and history.steps.shape == history.losses.shape == history.watched_errors.shape):
        raise EvaluationError(f"{path} has lists of different lengths, expected one entry for each look")
    return history


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise EvaluationError(f"{path} is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise EvaluationError(f"{path} holds {type(told).__name__}, expected an object")
    return told
