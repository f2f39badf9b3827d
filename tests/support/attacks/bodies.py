"""Bodies that are not what they should be: too large once opened, too deep, of another format, with code inside."""

import gzip
import json
from io import BytesIO

import numpy as np
from support.attacks.base import IMAGE, OCTETS, Attack, Send, ask, ask_each
from support.refusals import ANIMATED, PNG, file_of, image

_MALFORMED = "400 `malformed_request`"
_TOO_LARGE = "413 `too_large`"
_UNSUPPORTED = "415 `unsupported_media`"
_INVALID = "422 `invalid_image`"

_JSON = {"content-type": "application/json"}
_GZIP = {**_JSON, "content-encoding": "gzip"}
_FORM = {"content-type": "multipart/form-data; boundary=b"}
_PART = b'--b\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n'
_MNIST = "/score?preprocess=mnist"
_INFER = "/v2/models/digits-encode/infer"
_PREDICT = "/v1/models/digits:predict"


def _send_json(text: str | bytes, *paths: str) -> Send:
    return ask_each(ask(path, content=text, headers=_JSON) for path in paths or ("/score",))


def _send_npy(data: bytes) -> Send:
    return ask("/score", **image(data, "application/x-npy"))


def _pickled() -> bytes:
    stream = BytesIO()
    np.save(stream, np.array([{"a": print}], dtype=object), allow_pickle=True)
    return stream.getvalue()


def _promising(*shape: int) -> bytes:
    """An npy header of this shape, and nothing behind it."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def _send_files(*files: bytes, media_type: str = "image/png", path: str = "/score") -> Send:
    return ask(path, files=[("f", ("f", data, media_type)) for data in files])


def _send_form(head: bytes, name: bytes = b"f", count: int = 1) -> Send:
    """A whole form, each part of which has this head too."""
    part = b'--b\r\ncontent-disposition: form-data; filename="' + name + b'"\r\n' + head + b"\r\nx\r\n"
    return ask("/score", content=part * count + b"--b--\r\n", headers=_FORM)


def _send_as(data: bytes, *media_types: str) -> Send:
    return ask_each(ask("/score", **image(data, media_type)) for media_type in media_types)


def _infer(**fields: object) -> str:
    tensor = {"name": "images", "datatype": "UINT8", "shape": [1, 28, 28], "data": [0], **fields}
    return json.dumps({"inputs": [tensor]})


# One that holds more bytes than the limit of bodies, one that holds fewer and a great many lists.
_BOMBS = (gzip.compress(bytes(2**26)), gzip.compress(b"[" + b"[]," * 300_000 + b"[]]"))
_STRANGE_FILES = {
    "image/x-icon": file_of((28, 28), "ICO", "RGBA"),
    "image/vnd.adobe.photoshop": b"8BPS\x00\x01" + bytes(100),
    "application/postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n(/etc/passwd) (r) file\n",
    "application/pdf": file_of((28, 28), "PDF"),
    "image/svg+xml": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><svg>&b;</svg>',
    "application/zip": b"PK\x03\x04" + bytes(100),
}

ATTACKS = (
    Attack("too many rows", _TOO_LARGE, ask("/score", content=IMAGE * 65, headers=OCTETS)),
    Attack(
        "pixel bomb",
        _TOO_LARGE,
        ask_each(
            [
                _send_as(file_of((20_000, 20_000), mode="1"), "image/png"),
                ask(_MNIST, **image(file_of((20_000, 20_000), mode="1"))),
            ]
        ),
    ),
    Attack(
        "files whose pixels are too many together",
        _TOO_LARGE,
        _send_files(*[file_of((900, 900), mode="1")] * 2, path=_MNIST),
    ),
    Attack("form with too many parts", _TOO_LARGE, _send_files(*[PNG] * 65)),
    Attack(
        "form with a large head of a part",
        _MALFORMED,
        ask_each([_send_form(b"a: " + b"a" * 100_000 + b"\r\n"), _send_form(b"a: b\r\n" * 20_000)]),
    ),
    Attack(
        "form whose parts are full of semicolons",
        _INVALID,
        _send_form(b"content-type: image/png\r\n", name=b";" * 3500, count=64),
    ),
    Attack(
        "form without a boundary, or cut",
        _MALFORMED,
        ask_each(
            [
                ask("/score", content=_PART, headers={"content-type": "multipart/form-data"}),
                ask("/score", content=_PART + b"\r\nabc", headers=_FORM),
            ]
        ),
    ),
    Attack("JSON 100,000 deep", _MALFORMED, _send_json("[" * 100_000)),
    Attack("JSON 100,000 deep over other protocols", "400", _send_json("[" * 100_000, _INFER, _PREDICT)),
    Attack(
        "JSON of huge numbers",
        _INVALID,
        ask_each(
            [
                _send_json('{"images": [[[1' + "0" * 300 + "]]]}"),
                _send_json('{"images": [[[' + ("9" * 30 + ",") * 20_000 + "0]]]}"),
            ]
        ),
    ),
    Attack("JSON of a number with 100,000 digits", _MALFORMED, _send_json('{"images": [[[' + "9" * 100_000 + "]]]}")),
    Attack("gzip bomb", _UNSUPPORTED, ask("/score", content=_BOMBS[0], headers=_GZIP)),
    Attack("JSON of 300,000 lists", _TOO_LARGE, _send_json('{"images": [[' + "[]," * 300_000 + "[]]]}")),
    Attack(
        "Open Inference Protocol: gzip bomb",
        "413",
        ask_each(ask(_INFER, content=body, headers=_GZIP) for body in _BOMBS),
    ),
    Attack(
        "TensorFlow Serving: gzip bomb", "400", ask_each(ask(_PREDICT, content=body, headers=_GZIP) for body in _BOMBS)
    ),
    Attack("npy with a pickle", _MALFORMED, _send_npy(_pickled())),
    Attack(
        "npy that promises terabytes",
        _MALFORMED,
        ask_each(
            [
                _send_npy(_promising(2**32, 28, 28)),
                _send_npy(_promising(2**63, 2**63)),
                _send_npy(_promising(-1, 28, 28)),
            ]
        ),
    ),
    Attack(
        "format that is not listed",
        _UNSUPPORTED,
        ask_each(_send_as(data, kind) for kind, data in _STRANGE_FILES.items()),
    ),
    Attack(
        "the same under a listed name",
        _INVALID,
        ask_each(_send_as(data, "image/png", "image/tiff") for data in _STRANGE_FILES.values()),
    ),
    Attack(
        "truncated or animated picture",
        _INVALID,
        ask_each([_send_as(PNG[:-20], "image/png"), _send_as(ANIMATED, "image/gif")]),
    ),
    Attack(
        "Open Inference Protocol: shape that overflows over REST",
        "400",
        ask_each(
            _send_json(_infer(shape=shape), _INFER)
            for shape in ([2**62, 28, 28], [2**62, 2**62, 4], [-1, 28, 28], [1e300, 28, 28])
        ),
    ),
)
