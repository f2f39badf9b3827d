"""Our own HTTP door: every operation, most formats of bodies and answers."""

import io
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from PIL import Image

from bench.load.ask import Door, HttpRequest, Read, Reading, Reply, UnreadableReplyError
from bench.load.digits import Digits
from bench.load.words.kind import Kind
from service.images import render_npy, render_png

_NPY, _JSON, _PNG, _RAW = "application/x-npy", "application/json", "image/png", "application/octet-stream"
_BOUNDARY = "digits-follow"
_FLOATS = ("codes", "errors", "anomaly_scores")
_VERDICTS = ("errors", "anomaly_scores")

_Write = Callable[[str, Digits], HttpRequest]


def _write_raw(path: str, digits: Digits, accept: str = _JSON) -> HttpRequest:
    return HttpRequest(path, digits.inputs.tobytes(), {"Content-Type": _RAW, "Accept": accept})


def _write_npy(path: str, digits: Digits, accept: str = _JSON) -> HttpRequest:
    return HttpRequest(path, render_npy(digits.inputs), {"Content-Type": _NPY, "Accept": accept})


def _write_codes_npy(path: str, digits: Digits) -> HttpRequest:
    return HttpRequest(path, render_npy(digits.codes), {"Content-Type": _NPY, "Accept": _NPY})


def _write_codes_json(path: str, digits: Digits) -> HttpRequest:
    return _write_json(path, {"codes": digits.codes.tolist()})


def _write_nested(path: str, digits: Digits) -> HttpRequest:
    return _write_json(path, {"images": digits.inputs.tolist()})


def _write_base64(path: str, digits: Digits) -> HttpRequest:
    return _write_json(path, {"images": [b64encode(render_png(image)).decode() for image in digits.inputs]})


def _write_png(path: str, digits: Digits, accept: str = _JSON) -> HttpRequest:
    return HttpRequest(path, render_png(digits.inputs[0]), {"Content-Type": _PNG, "Accept": accept})


def _write_form(path: str, digits: Digits) -> HttpRequest:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{number}.png"\r\n'
        f"Content-Type: {_PNG}\r\n\r\n".encode()
        + render_png(image)
        + b"\r\n"
        for number, image in enumerate(digits.inputs)
    ]
    body = b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
    return HttpRequest(path, body, {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"})


def _write_json(path: str, document: Any) -> HttpRequest:
    return HttpRequest(path, orjson.dumps(document), {"Content-Type": _JSON})


def _read_json(reply: Reply) -> Reading:
    answer = orjson.loads(reply.body)
    outputs = {name: np.array(answer[name], np.float32) for name in _FLOATS if name in answer}
    for name in ("images", "reconstructions"):
        if name in answer:
            outputs[name] = np.stack([_read_png(b64decode(file)) for file in answer[name]])
    return Reading(answer["model"]["version"], outputs)


def _read_array(reply: Reply, name: str) -> Reading:
    """A npy answer with one output, and its verdicts in the head where it has some."""
    return Reading(_read_version(reply), {name: np.load(io.BytesIO(reply.body)), **_read_verdicts(reply)})


def _read_pairs(reply: Reply) -> Reading:
    errors, scores = np.load(io.BytesIO(reply.body)).T
    return Reading(_read_version(reply), {"errors": errors, "anomaly_scores": scores})


def _read_picture(reply: Reply) -> Reading:
    return Reading(_read_version(reply), {"reconstructions": _read_png(reply.body)[None], **_read_verdicts(reply)})


def _read_version(reply: Reply) -> int:
    return int(reply.find_header("x-model-version") or 0)


def _read_verdicts(reply: Reply) -> dict[str, NDArray[Any]]:
    sent = {"errors": "x-reconstruction-error", "anomaly_scores": "x-anomaly-score"}
    values = {name: reply.find_header(header) for name, header in sent.items()}
    return {name: np.array(text.split(","), np.float32) for name, text in values.items() if text is not None}


def _read_png(file: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(file)) as picture:
        if picture.mode != "L":
            raise UnreadableReplyError(f"a picture of mode {picture.mode} came")
        return np.asarray(picture)


_CODES, _PICTURES = ("codes",), ("reconstructions", *_VERDICTS)

_TABLE: tuple[tuple[str, str, tuple[int, ...], tuple[str, ...], _Write, Read], ...] = (
    ("/score", "PNG", (1,), _VERDICTS, _write_png, _read_json),
    ("/score", "multipart", (1, 8), _VERDICTS, _write_form, _read_json),
    ("/score", "octets", (64, 512), _VERDICTS, _write_raw, _read_json),
    ("/score", "npy for npy", (1, 8, 64), _VERDICTS, partial(_write_npy, accept=_NPY), _read_pairs),
    ("/encode", "octets", (1, 8, 64), _CODES, _write_raw, _read_json),
    ("/encode", "nested lists", (1, 8), _CODES, _write_nested, _read_json),
    (
        "/encode",
        "npy for npy",
        (1, 512),
        _CODES,
        partial(_write_npy, accept=_NPY),
        partial(_read_array, name="codes"),
    ),
    ("/decode", "lists", (1, 8), ("images",), _write_codes_json, _read_json),
    ("/decode", "npy for npy", (1, 64), ("images",), _write_codes_npy, partial(_read_array, name="images")),
    ("/reconstruct", "base64", (1, 8), _PICTURES, _write_base64, _read_json),
    ("/reconstruct", "PNG for PNG", (1,), _PICTURES, partial(_write_png, accept=_PNG), _read_picture),
    (
        "/reconstruct",
        "octets for npy",
        (1, 8, 64),
        _PICTURES,
        partial(_write_raw, accept=_NPY),
        partial(_read_array, name="reconstructions"),
    ),
)

KINDS = tuple(
    Kind(Door.HTTP, f"{path} {name}", sizes, outputs, partial(write, path), read)
    for path, name, sizes, outputs, write, read in _TABLE
)
"""What callers ask of this door."""
