"""What the client answers: small frozen values with numpy arrays in them; row i belongs to image or code i.

A single image is answered like many: its arrays have one row.
"""

from abc import abstractmethod
from collections.abc import Sequence, Sized
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any, TypedDict, TypeVar

import numpy as np

from service import domain


@dataclass(frozen=True, slots=True)
class Model:
    """The model version that answered.

    Attributes:
        name: For example `digits`.
        version: 1 or greater. Keep it beside codes: only this version decodes them.
    """

    name: str
    version: int


@dataclass(frozen=True, slots=True, eq=False)
class Answer(Sized):
    """What every answer with rows has.

    Attributes:
        model: What computed all its rows.
    """

    model: Model

    @abstractmethod
    def __len__(self) -> int:
        """Rows."""


class Remarks(TypedDict):
    """What is known of images beside what the model says, as `ImageAnswer` has it; notes may be left empty."""

    notes: tuple[str | None, ...]
    normalised: domain.Images | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ImageAnswer(Answer):
    """What every answer to images has.

    Attributes:
        notes: A word for each image that looks like no digit (`no_ink`, `several_parts`, `flat`, or one of a newer
            service), None for the others. Only `preprocess="mnist"` looks for them.
        normalised: The images as the model saw them, uint8 (n, 28, 28), 255 is ink; None unless they were asked for.
    """

    notes: tuple[str | None, ...] = ()
    normalised: domain.Images | None = None

    def __post_init__(self) -> None:
        """Where nothing is said, say so of each image.

        Raises:
            ValueError: If there is not one note an image.
        """
        if not self.notes:
            object.__setattr__(self, "notes", (None,) * len(self))
        if len(self.notes) != len(self):
            raise ValueError(f"{len(self.notes)} notes came, expected {len(self)}")


@dataclass(frozen=True, slots=True, eq=False)
class Codes(ImageAnswer):
    """What `encode` answers.

    Attributes:
        codes: float32 (n, code_dim).
    """

    codes: domain.Codes

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True, eq=False)
class Pictures(Answer):
    """What `decode` answers.

    Attributes:
        images: uint8 (n, 28, 28), 255 is ink.
    """

    images: domain.Images

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, slots=True, eq=False)
class Scores(ImageAnswer):
    """What `score` answers.

    Attributes:
        errors: Reconstruction errors, float32 (n,), >= 0.
        anomaly_scores: float32 (n,) in [0, 1], higher is stranger.
        anomalies: True where the score is above the threshold, (n,).
    """

    errors: domain.Floats
    anomaly_scores: domain.Floats
    anomalies: domain.Flags

    def __len__(self) -> int:
        return len(self.errors)


@dataclass(frozen=True, slots=True, eq=False)
class Reconstructions(Scores):
    """What `reconstruct` answers: scores, and the cleaned pictures.

    Attributes:
        reconstructions: uint8 (n, 28, 28), 255 is ink.
    """

    reconstructions: domain.Images


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a served model.

    Attributes:
        version: Its number.
        state: LOADING, AVAILABLE, UNLOADING or END, as TensorFlow Serving names them.
        error: Why it could not be loaded; empty if nothing is wrong.
        labels: Names that point at it; over gRPC always empty.
        code_dim: Width of its codes; over gRPC always None.
        model_card: How it was made and what it measured; over gRPC always None.
    """

    version: int
    state: str
    error: str = ""
    labels: tuple[str, ...] = ()
    code_dim: int | None = None
    model_card: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model of the service.

    Attributes:
        name: For example `digits`.
        is_ready: True while a request without a version is answered.
        versions: Newest first, the failed ones too.
    """

    name: str
    is_ready: bool
    versions: tuple[ModelVersion, ...]


AnswerT = TypeVar("AnswerT", bound=Answer)


def join_answers(answers: Sequence[AnswerT]) -> AnswerT:
    """One answer of several that one model version gave, in their order."""
    first = answers[0]
    if len(answers) == 1:
        return first
    names = [field.name for field in fields(first) if field.name != "model"]
    joined = {name: _join([getattr(answer, name) for answer in answers]) for name in names}
    return type(first)(model=first.model, **joined)


def _join(parts: Sequence[Any]) -> Any:
    """What several answers have under one name: arrays, tuples, or nothing."""
    if parts[0] is None:
        return None
    return tuple(chain.from_iterable(parts)) if isinstance(parts[0], tuple) else np.concatenate(parts)
