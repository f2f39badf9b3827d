"""JSON answers to asks with images: what npy and headers cannot carry."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from service.client.answers import Codes, ImageAnswer, Model, Reconstructions, Remarks, Scores
from service.client.asks import Ask
from service.client.http.shapes import check_codes, check_images, check_rows
from service.domain import IMAGE_SIDE, Flags, Floats, Images, find_anomalies
from service.images import ImageLimits, decode_image

_LIMITS = ImageLimits(IMAGE_SIDE * IMAGE_SIDE)

_Document = dict[str, Any]


def read_document(ask: Ask, body: bytes) -> ImageAnswer:
    """What a JSON answer to `encode`, `score` or `reconstruct` says.

    Raises:
        ValueError: If a value is none of an answer to the ask.
        KeyError: If one is missing.
        TypeError: If one is of another kind.
        DigitCodecError: If a picture is none.
    """
    return _READERS[ask.operation](ask, json.loads(body))


def _read_codes(ask: Ask, document: _Document) -> Codes:
    codes = np.array(document["codes"], np.float32)
    check_codes(codes, len(ask))
    return Codes(_read_model(document), codes, **_read_remarks(ask, document))


def _read_scores(ask: Ask, document: _Document) -> Scores:
    return Scores(_read_model(document), *_read_verdicts(ask, document), **_read_remarks(ask, document))


def _read_reconstructions(ask: Ask, document: _Document) -> Reconstructions:
    images = _read_images(ask, document["reconstructions"])
    verdicts, remarks = _read_verdicts(ask, document), _read_remarks(ask, document)
    return Reconstructions(_read_model(document), *verdicts, images, **remarks)


def _read_model(document: _Document) -> Model:
    return Model(document["model"]["name"], document["model"]["version"])


def _read_remarks(ask: Ask, document: _Document) -> Remarks:
    return {
        "notes": tuple(note and str(note) for note in document.get("notes", ())),
        "normalised": _read_images(ask, document["normalised"]) if ask.include_normalised else None,
    }


def _read_verdicts(ask: Ask, document: _Document) -> tuple[Floats, Floats, Flags]:
    errors, scores = _read_numbers(ask, document["errors"]), _read_numbers(ask, document["anomaly_scores"])
    return errors, scores, find_anomalies(scores, ask.threshold)


def _read_numbers(ask: Ask, values: list[float]) -> Floats:
    numbers = np.array(values, np.float32)
    check_rows(numbers, (len(ask),))
    return numbers


def _read_images(ask: Ask, files: list[str]) -> Images:
    """Pictures out of PNG files in base64."""
    images = np.stack([decode_image(b64decode(file), limits=_LIMITS) for file in files])
    check_images(images, len(ask))
    return images


_READERS: Mapping[str, Callable[[Ask, _Document], ImageAnswer]] = {
    "encode": _read_codes,
    "score": _read_scores,
    "reconstruct": _read_reconstructions,
}
