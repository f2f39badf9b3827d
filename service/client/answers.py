"""What the client answers: small frozen values with numpy arrays in them; row i belongs to image or code i.

A single image is answered like many: its arrays have one row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

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
class Answer:
    """What every answer with rows has.

    Attributes:
        model: What computed all its rows.
    """

    model: Model


@dataclass(frozen=True, slots=True, eq=False)
class Codes(Answer):
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
class Scores(Answer):
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
    arrays = {name: np.concatenate([getattr(answer, name) for answer in answers]) for name in names}
    return type(first)(model=first.model, **arrays)
