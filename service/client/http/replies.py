"""HTTP replies as answers; opens no connection."""

import json
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.client.answers import Codes, Model, ModelVersion, Pictures, Reconstructions, Scores, ServedModel
from service.client.asks import Ask, Result
from service.client.errors import UnexpectedAnswerError
from service.client.http.documents import read_document
from service.client.http.failures import Headers, read_failure
from service.client.http.requests import wants_document
from service.client.http.shapes import check_codes, check_images, check_rows
from service.domain import Images, find_anomalies
from service.errors import DigitCodecError

_NO_NOTE = "none"


def read_reply(ask: Ask, status: int, headers: Headers, body: bytes) -> Result:
    """What a reply says.

    Args:
        ask: What was asked.
        status: The status of the reply.
        headers: Its headers, in any case.
        body: Its body.

    Raises:
        ClientError: What a reply other than 200 says.
        UnexpectedAnswerError: If it is no answer to the ask.
    """
    if status != 200:
        raise read_failure(status, headers, body)
    try:
        return read_document(ask, body) if wants_document(ask) else _READERS[ask.operation](ask, headers, body)
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, DigitCodecError) as error:
        raise UnexpectedAnswerError(
            f"the answer to {ask.operation} cannot be read: {error}", request_id=headers.get("x-request-id", "")
        ) from error


def _read_codes(ask: Ask, headers: Headers, body: bytes) -> Codes:
    codes = _read_npy(body, np.float32)
    check_codes(codes, len(ask))
    return Codes(_read_model(headers), codes, notes=_read_notes(headers))


def _read_pictures(ask: Ask, headers: Headers, body: bytes) -> Pictures:
    return Pictures(_read_model(headers), _read_images(ask, body))


def _read_scores(ask: Ask, headers: Headers, body: bytes) -> Scores:
    table = _read_npy(body, np.float32)
    check_rows(table, (len(ask), 2))
    errors, scores = np.ascontiguousarray(table.T)
    anomalies = find_anomalies(scores, ask.threshold)
    return Scores(_read_model(headers), errors, scores, anomalies, notes=_read_notes(headers))


def _read_reconstructions(ask: Ask, headers: Headers, body: bytes) -> Reconstructions:
    errors = _read_numbers(headers["x-reconstruction-error"], len(ask))
    scores = _read_numbers(headers["x-anomaly-score"], len(ask))
    verdicts = errors, scores, find_anomalies(scores, ask.threshold)
    return Reconstructions(_read_model(headers), *verdicts, _read_images(ask, body), notes=_read_notes(headers))


def _read_images(ask: Ask, body: bytes) -> Images:
    images = _read_npy(body, np.uint8)
    check_images(images, len(ask))
    return images


def _read_model(headers: Headers) -> Model:
    return Model(headers["x-model-name"], int(headers["x-model-version"]))


def _read_notes(headers: Headers) -> tuple[str | None, ...]:
    """A note for each row; none at all where the header is left out."""
    words = headers.get("x-note", "")
    return tuple(None if word == _NO_NOTE else word for word in words.split(",")) if words else ()


def _read_npy(body: bytes, dtype: type[np.generic]) -> NDArray[Any]:
    array = np.lib.format.read_array(BytesIO(body), allow_pickle=False)
    if array.dtype != dtype:
        raise ValueError(f"an array of {array.dtype} came, expected {np.dtype(dtype)}")
    return array


def _read_numbers(header: str, count: int) -> NDArray[np.float32]:
    numbers = np.array(header.split(","), np.float64).astype(np.float32)
    check_rows(numbers, (count,))
    return numbers


def _read_models(_: Ask, __: Headers, body: bytes) -> tuple[ServedModel, ...]:
    return tuple(
        ServedModel(model["name"], model["ready"], tuple(map(_read_version, model["versions"])))
        for model in json.loads(body)["models"]
    )


def _read_version(version: dict[str, Any]) -> ModelVersion:
    return ModelVersion(
        version=version["version"],
        state=version["state"],
        error=version["error"] or "",
        labels=tuple(version["labels"]),
        code_dim=version["code_dim"],
        model_card=version["model_card"],
    )


_READERS: Mapping[str, Callable[[Ask, Headers, bytes], Result]] = {
    "encode": _read_codes,
    "decode": _read_pictures,
    "reconstruct": _read_reconstructions,
    "score": _read_scores,
    "models": _read_models,
    "ready": lambda _, __, ___: True,
}
