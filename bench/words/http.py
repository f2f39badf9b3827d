"""Our own HTTP door: every operation, most formats of bodies and answers."""

import io
from base64 import b64decode, b64encode
from functools import partial
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from PIL import Image

from bench.words.ask import Arrays, HttpRequest, Reading, Reply, UnreadableReplyError
from bench.words.form import FIRST_OUTPUTS, INPUTS, Form
from service.images import render_npy, render_png

_NPY, _JSON, _PNG, _RAW = "application/x-npy", "application/json", "image/png", "application/octet-stream"
_BOUNDARY = "digits-follow"
_FLOATS = ("codes", "errors", "anomaly_scores")
_PICTURES = ("images", "reconstructions")


def _write_raw(signature: str, rows: NDArray[Any], accept: str = _JSON) -> HttpRequest:
    return _write(signature, rows.tobytes(), _RAW, accept)


def _write_npy(signature: str, rows: NDArray[Any]) -> HttpRequest:
    return _write(signature, render_npy(rows), _NPY, _NPY)


def _write_png(signature: str, rows: NDArray[Any], accept: str = _JSON) -> HttpRequest:
    return _write(signature, render_png(rows[0]), _PNG, accept)


def _write_lists(signature: str, rows: NDArray[Any]) -> HttpRequest:
    return _write_json(signature, rows.tolist())


def _write_base64(signature: str, rows: NDArray[Any]) -> HttpRequest:
    return _write_json(signature, [b64encode(render_png(image)).decode() for image in rows])


def _write_json(signature: str, rows: list[Any]) -> HttpRequest:
    return _write(signature, orjson.dumps({INPUTS[signature]: rows}), _JSON)


def _write_form(signature: str, rows: NDArray[Any]) -> HttpRequest:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{number}.png"\r\n'
        f"Content-Type: {_PNG}\r\n\r\n".encode()
        + render_png(image)
        + b"\r\n"
        for number, image in enumerate(rows)
    ]
    body = b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
    return _write(signature, body, f"multipart/form-data; boundary={_BOUNDARY}")


def _write(signature: str, body: bytes, media_type: str, accept: str | None = None) -> HttpRequest:
    headers = {"Content-Type": media_type}
    return HttpRequest(f"/{signature}", body, headers if accept is None else {**headers, "Accept": accept})


def _read_json(_: str, reply: Reply) -> Reading:
    answer = orjson.loads(reply.body)
    outputs = {name: np.array(answer[name], np.float32) for name in _FLOATS if name in answer}
    for name in _PICTURES:
        if name in answer:
            outputs[name] = np.stack([_read_png(b64decode(file)) for file in answer[name]])
    return Reading(answer["model"]["version"], outputs)


def _read_npy(signature: str, reply: Reply) -> Reading:
    """An answer with one output, and its verdicts in the head where it has some; those of `score` are pairs."""
    array = np.load(io.BytesIO(reply.body))
    if signature != "score":
        return Reading(_read_version(reply), {FIRST_OUTPUTS[signature]: array, **_read_verdicts(reply)})
    errors, scores = array.T
    return Reading(_read_version(reply), {"errors": errors, "anomaly_scores": scores})


def _read_picture(signature: str, reply: Reply) -> Reading:
    picture = _read_png(reply.body)[None]
    return Reading(_read_version(reply), {FIRST_OUTPUTS[signature]: picture, **_read_verdicts(reply)})


def _read_version(reply: Reply) -> int:
    return int(reply.find_header("x-model-version") or 0)


def _read_verdicts(reply: Reply) -> Arrays:
    sent = {"errors": "x-reconstruction-error", "anomaly_scores": "x-anomaly-score"}
    values = {name: reply.find_header(header) for name, header in sent.items()}
    return {name: np.array(text.split(","), np.float32) for name, text in values.items() if text is not None}


def _read_png(file: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(file)) as picture:
        if picture.mode != "L":
            raise UnreadableReplyError(f"a picture of mode {picture.mode} came")
        return np.asarray(picture)


OCTETS = Form(_write_raw, _read_json)
"""Rows as bytes for JSON."""

OCTETS_FOR_NPY = Form(partial(_write_raw, accept=_NPY), _read_npy)
"""Rows as bytes for npy."""

NPY = Form(_write_npy, _read_npy)
"""An npy file for another."""

LISTS = Form(_write_lists, _read_json)
"""Numbers in JSON for JSON."""

BASE64 = Form(_write_base64, _read_json)
"""PNG files within JSON for JSON."""

MULTIPART = Form(_write_form, _read_json)
"""PNG files in a form for JSON."""

PNG = Form(_write_png, _read_json)
"""One PNG file for JSON."""

PNG_FOR_PNG = Form(partial(_write_png, accept=_PNG), _read_picture)
"""One PNG file for another."""
