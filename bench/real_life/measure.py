"""What a running service makes of scenes: answers over HTTP, and the figures that are made of them."""

import io
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from bench.evaluate import HttpCodec
from training.evaluation.figures import split_rows

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Labels = NDArray[np.integer[Any]]

_NEIGHBOURS = 5
_REQUEST_FILES = 10
_MNIST = {"preprocess": "mnist"}


@dataclass(frozen=True, slots=True)
class Answers:
    """What the service said of some digits.

    Attributes:
        codes: float32 (n, code_dim).
        scores: Anomaly scores, float32 (n,).
    """

    codes: Floats
    scores: Floats


def ask_for_images(client: httpx.Client, images: Images) -> Answers:
    """Answers to digits as they are, uint8 (n, 28, 28)."""
    codec = HttpCodec(client)
    return Answers(codec.encode(images), codec.reconstruct(images).anomaly_scores)


def ask_for_files(client: httpx.Client, files: list[bytes]) -> Answers:
    """Answers to image files with preprocess=mnist."""
    codes, scores = [], []
    for part in _split(files):
        codes += _post(client, "/encode", part)["codes"]
        scores += _post(client, "/score", part)["anomaly_scores"]
    return Answers(np.array(codes, np.float32), np.array(scores, np.float32))


def fetch_sheets(client: httpx.Client, files: list[bytes]) -> dict[str, Any]:
    """The JSON answer of /reconstruct to files, with their normalised pictures."""
    return _post(client, "/reconstruct", files, include="normalised")


def count_refused(client: httpx.Client, files: list[bytes]) -> int:
    """How many of the files are refused without preprocess."""
    statuses = [client.post("/score", files=_name_files([file])).status_code for file in files]
    return statuses.count(httpx.codes.UNPROCESSABLE_ENTITY)


def find_accuracy(codes: Floats, labels: Labels, known: Floats, known_labels: Labels) -> float:
    """Share of codes whose five nearest among known ones have mostly their label; ties go to the smaller digit."""
    votes = np.concatenate([_vote(part, known, known_labels) for part in split_rows(codes, 500)])
    return float(np.mean(votes == labels))


def _vote(codes: Floats, known: Floats, known_labels: Labels) -> NDArray[np.intp]:
    distances = np.square(known).sum(axis=1) - 2 * codes @ known.T
    nearest = np.argpartition(distances, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    counts = np.stack([np.bincount(labels, minlength=10) for labels in known_labels[nearest]])
    return np.asarray(counts.argmax(axis=1))


def _post(client: httpx.Client, path: str, files: list[bytes], **more: str) -> dict[str, Any]:
    answer: dict[str, Any] = (
        client.post(path, params={**_MNIST, **more}, files=_name_files(files)).raise_for_status().json()
    )
    return answer


def _name_files(files: list[bytes]) -> list[tuple[str, tuple[str, io.BytesIO, str]]]:
    return [("files", (f"{i}", io.BytesIO(file), "application/octet-stream")) for i, file in enumerate(files)]


def _split(files: list[bytes]) -> list[list[bytes]]:
    return [files[start : start + _REQUEST_FILES] for start in range(0, len(files), _REQUEST_FILES)]
