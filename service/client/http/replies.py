"""HTTP replies as answers; opens no connection."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.client.answers import Codes, Model, ModelVersion, Pictures, Reconstructions, Scores, ServedModel
from service.client.asks import Ask, Result
from service.client.errors import UnexpectedAnswerError
from service.client.http.failures import Headers, read_failure
from service.domain import IMAGE_SIDE, Images, find_anomalies
from service.errors import DigitCodecError
from service.images import ImageLimits, decode_image

_NPY = "application/x-npy"
_LIMITS = ImageLimits(IMAGE_SIDE * IMAGE_SIDE)


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
        return _READERS[ask.operation](ask, headers, body)
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, DigitCodecError) as error:
        raise UnexpectedAnswerError(
            f"the answer to {ask.operation} cannot be read: {error}", request_id=headers.get("x-request-id", "")
        ) from error


def _read_codes(ask: Ask, headers: Headers, body: bytes) -> Codes:
    codes = _read_npy(body, np.float32)
    _check_rows(codes, (len(ask), codes.shape[-1]))
    return Codes(_read_model(headers), codes)


def _read_pictures(ask: Ask, headers: Headers, body: bytes) -> Pictures:
    return Pictures(_read_model(headers), _read_images(ask, body))


def _read_scores(ask: Ask, headers: Headers, body: bytes) -> Scores:
    table = _read_npy(body, np.float32)
    _check_rows(table, (len(ask), 2))
    errors, scores = np.ascontiguousarray(table.T)
    return Scores(_read_model(headers), errors, scores, find_anomalies(scores, ask.threshold))


def _read_reconstructions(ask: Ask, headers: Headers, body: bytes) -> Reconstructions:
    if not headers.get("content-type", "").startswith(_NPY):
        return _read_document(ask, json.loads(body))
    errors = _read_numbers(headers["x-reconstruction-error"], len(ask))
    scores = _read_numbers(headers["x-anomaly-score"], len(ask))
    anomalies = find_anomalies(scores, ask.threshold)
    return Reconstructions(_read_model(headers), errors, scores, anomalies, _read_images(ask, body))


def _read_document(ask: Ask, document: dict[str, Any]) -> Reconstructions:
    pictures = [decode_image(b64decode(text), limits=_LIMITS) for text in document["reconstructions"]]
    images = np.stack(pictures)
    _check_rows(images, (len(ask), IMAGE_SIDE, IMAGE_SIDE))
    errors, scores = (np.array(document[name], np.float32) for name in ("errors", "anomaly_scores"))
    _check_rows(errors, (len(ask),))
    _check_rows(scores, (len(ask),))
    model = Model(document["model"]["name"], document["model"]["version"])
    return Reconstructions(model, errors, scores, find_anomalies(scores, ask.threshold), images)


def _read_images(ask: Ask, body: bytes) -> Images:
    images = _read_npy(body, np.uint8)
    _check_rows(images, (len(ask), IMAGE_SIDE, IMAGE_SIDE))
    return images


def _read_model(headers: Headers) -> Model:
    return Model(headers["x-model-name"], int(headers["x-model-version"]))


def _read_npy(body: bytes, dtype: type[np.generic]) -> NDArray[Any]:
    array = np.lib.format.read_array(BytesIO(body), allow_pickle=False)
    if array.dtype != dtype:
        raise ValueError(f"an array of {array.dtype} came, expected {np.dtype(dtype)}")
    return array


def _read_numbers(header: str, count: int) -> NDArray[np.float32]:
    numbers = np.array(header.split(","), np.float64).astype(np.float32)
    _check_rows(numbers, (count,))
    return numbers


def _check_rows(array: NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"an array of shape {array.shape} came, expected {shape}")


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
