"""Results to answers, by operation and format."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import orjson

from service import images
from service.api.http import answers
from service.api.http.answers import Header, HttpAnswer
from service.api.http.media import JSON, NPY, PNG
from service.api.remarks import Remarks
from service.domain import Decoded, Encoded, Images, Reconstructed, Rows, Scored

Result = Encoded | Decoded | Scored

# Three headers of 64 numbers are about 2 kB; proxies take 4 to 8 kB of headers.
MAX_HEADER_ROWS = 64

Renderer = Callable[[Any, str, Remarks | None], HttpAnswer]
"""Result, name of the model, and what is to be said of the images, if anything."""


def _render_json(result: Result, model_name: str, remarks: Remarks | None, **fields: object) -> HttpAnswer:
    document = {"model": {"name": model_name, "version": result.version}, **fields}
    if remarks is not None:
        document.update(_render_remarks(remarks))
    return HttpAnswer(200, (answers.JSON,), orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))


def _render_remarks(remarks: Remarks) -> dict[str, object]:
    fields: dict[str, object] = {}
    if remarks.notes is not None:
        fields["notes"] = [note and note.value for note in remarks.notes]
    if remarks.normalised is not None:
        fields["normalised"] = _render_pictures(remarks.normalised)
    return fields


def _render_binary(
    media_type: str, body: bytes, result: Result, model_name: str, remarks: Remarks | None
) -> HttpAnswer:
    headers = (
        (b"content-type", media_type.encode("ascii")),
        (b"x-model-name", model_name.encode("latin-1")),
        (b"x-model-version", b"%d" % result.version),
        *_verdict_headers(result),
        *(() if remarks is None else _note_headers(remarks)),
    )
    return HttpAnswer(200, headers, body)


def _verdict_headers(result: Result) -> tuple[Header, ...]:
    """Errors, scores and verdicts of a picture answer; none for so many rows that proxies might object."""
    if not isinstance(result, Scored) or len(result.errors) > MAX_HEADER_ROWS:
        return ()
    return (
        (b"x-reconstruction-error", _join(result.errors)),
        (b"x-anomaly-score", _join(result.anomaly_scores)),
        (b"x-anomaly", _join(result.anomalies)),
    )


def _note_headers(remarks: Remarks) -> tuple[Header, ...]:
    if remarks.notes is None or len(remarks.notes) > MAX_HEADER_ROWS:
        return ()
    return ((b"x-note", ",".join(note.value if note else "none" for note in remarks.notes).encode("ascii")),)


def _join(values: Rows) -> bytes:
    """Numbers as the JSON answer has them, separated by commas."""
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]


def _render_pictures(pictures: Images) -> list[str]:
    return [b64encode(images.render_png(picture)).decode("ascii") for picture in pictures]


def _render_picture(pictures: Images) -> bytes:
    return images.render_png(pictures[0]) if len(pictures) == 1 else images.render_contact_sheet(pictures)


def _encode_json(result: Encoded, model_name: str, remarks: Remarks | None) -> HttpAnswer:
    return _render_json(result, model_name, remarks, codes=np.ascontiguousarray(result.codes))


def _decode_json(result: Decoded, model_name: str, remarks: Remarks | None) -> HttpAnswer:
    return _render_json(result, model_name, remarks, images=_render_pictures(result.images))


def _verdicts(result: Scored) -> dict[str, object]:
    return {
        "errors": np.ascontiguousarray(result.errors),
        "anomaly_scores": np.ascontiguousarray(result.anomaly_scores),
        "anomalies": result.anomalies,
    }


def _reconstruct_json(result: Reconstructed, model_name: str, remarks: Remarks | None) -> HttpAnswer:
    pictures = _render_pictures(result.reconstructions)
    return _render_json(result, model_name, remarks, reconstructions=pictures, **_verdicts(result))


def _score_json(result: Scored, model_name: str, remarks: Remarks | None) -> HttpAnswer:
    return _render_json(result, model_name, remarks, **_verdicts(result))


def _score_npy(result: Scored, model_name: str, remarks: Remarks | None) -> HttpAnswer:
    table = np.stack([result.errors, result.anomaly_scores], axis=1)
    return _render_binary(NPY, images.render_npy(table), result, model_name, remarks)


def _npy_of(field: str) -> Renderer:
    return lambda result, *rest: _render_binary(NPY, images.render_npy(getattr(result, field)), result, *rest)


def _png_of(field: str) -> Renderer:
    return lambda result, *rest: _render_binary(PNG, _render_picture(getattr(result, field)), result, *rest)


RENDERERS: Mapping[str, Mapping[str, Renderer]] = {
    "encode": {JSON: _encode_json, NPY: _npy_of("codes")},
    "decode": {JSON: _decode_json, NPY: _npy_of("images"), PNG: _png_of("images")},
    "reconstruct": {
        JSON: _reconstruct_json,
        NPY: _npy_of("reconstructions"),
        PNG: _png_of("reconstructions"),
    },
    "score": {JSON: _score_json, NPY: _score_npy},
}
