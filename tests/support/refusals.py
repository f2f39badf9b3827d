"""Every refusal of contract two as a table: what is sent, and the status and reason that must come back."""

import io
from base64 import b64encode
from typing import Any

import numpy as np
from PIL import Image
from support.fakes import count_images

from service.images import render_npy, render_png

IMAGES = count_images(2)
PNG = render_png(IMAGES[0])
RAW = IMAGES.tobytes()
OCTETS = {"content-type": "application/octet-stream"}


def file_of(size: tuple[int, int], name: str = "PNG", mode: str = "L", **options: Any) -> bytes:
    """A black picture of any size as Pillow writes it."""
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, name, **options)
    return stream.getvalue()


def image(data: bytes, media_type: str = "image/png") -> dict[str, Any]:
    """A request with one image file."""
    return {"content": data, "headers": {"content-type": media_type}}


def npy(array: Any) -> dict[str, Any]:
    """A request with a npy body."""
    return {"content": render_npy(array), "headers": {"content-type": "application/x-npy"}}


def nested(pixel: Any) -> dict[str, Any]:
    """A request with one nested list of equal pixels."""
    return {"json": {"images": [[[pixel] * 28] * 28]}}


def text(body: str) -> dict[str, Any]:
    """A request with JSON text."""
    return {"content": body, "headers": {"content-type": "application/json"}}


OK = {"content": RAW, "headers": OCTETS}
ANIMATED = file_of((28, 28), "GIF", save_all=True, append_images=[Image.new("L", (28, 28), 9)])

# Name: (path and query, request, status, reason, a word of the detail)
REFUSALS: dict[str, tuple[str, dict[str, Any], int, str, str]] = {
    "empty body": ("/encode", image(b""), 400, "malformed_request", "empty"),
    "no body": ("/encode", {"headers": {"content-type": "image/png"}}, 400, "malformed_request", "empty"),
    "no content type": ("/encode", {"content": PNG}, 415, "unsupported_media", "image/webp"),
    "unknown content type": ("/encode", image(PNG, "text/csv"), 415, "unsupported_media", "text/csv"),
    "image for decode": ("/decode", image(PNG), 415, "unsupported_media", "application/x-npy"),
    "compressed": (
        "/encode",
        {"content": PNG, "headers": {"content-type": "image/png", "content-encoding": "gzip"}},
        415,
        "unsupported_media",
        "gzip",
    ),
    "text as png": ("/encode", image(b"hello world"), 422, "invalid_image", "text"),
    "jpeg as png": ("/encode", image(file_of((28, 28), "JPEG")), 422, "invalid_image", "jpeg"),
    "truncated png": ("/encode", image(PNG[:-20]), 422, "invalid_image", ""),
    "bomb": ("/encode?preprocess=mnist", image(file_of((20_000, 20_000), mode="1")), 413, "too_large", "20000x20000"),
    "bombs that are only together too large": (
        "/encode?preprocess=mnist",
        {"files": [("f", ("f.png", file_of((4000, 4000), mode="1"), "image/png"))] * 2},
        413,
        "too_large",
        "32000000 pixels together came, the limit of a request is 16777216",
    ),
    "27x28": ("/encode", image(file_of((27, 28))), 422, "invalid_image", "27"),
    "animated gif": ("/encode", image(ANIMATED, "image/gif"), 422, "invalid_image", "frames"),
    "not json": ("/encode", text("{"), 400, "malformed_request", "character"),
    "NaN in json": ("/encode", text('{"images": [[NaN]]}'), 400, "malformed_request", "JSON"),
    "json list": ("/encode", text("[]"), 400, "malformed_request", "list"),
    "json without images": ("/encode", text("{}"), 400, "malformed_request", "images"),
    "json with no image": ("/encode", text('{"images": []}'), 400, "malformed_request", "empty"),
    "extra key": ("/encode", {"json": {"images": [], "image": 1, "v": 2}}, 400, "malformed_request", "'image', 'v'"),
    "deep json": ("/encode", text("[" * 100_000), 400, "malformed_request", "JSON"),
    "256": ("/encode", nested(256), 422, "invalid_image", "256"),
    "1.5": ("/encode", nested(1.5), 422, "invalid_image", "1.5"),
    "null": ("/encode", nested(None), 422, "invalid_image", "null"),
    "ragged": ("/encode", {"json": {"images": [[[0] * 28] * 27 + [[0] * 27]]}}, 422, "invalid_image", "row 27"),
    "a number as image": ("/encode", {"json": {"images": [7]}}, 422, "invalid_image", "image 0"),
    "not base64": ("/encode", {"json": {"images": ["%%%"]}}, 422, "invalid_image", "base64"),
    "base64 of text": (
        "/encode",
        {"json": {"images": [b64encode(b"hello").decode()]}},
        422,
        "invalid_image",
        "image 0",
    ),
    "783 bytes": ("/encode", {"content": RAW[:783], "headers": OCTETS}, 422, "invalid_image", "783"),
    "npy of NaN": ("/encode", npy(np.full((28, 28), np.nan)), 422, "invalid_image", "nan"),
    "npy of text": ("/encode", npy(np.array(["a"])), 400, "malformed_request", "npy"),
    "not npy": ("/encode", image(b"hello", "application/x-npy"), 400, "malformed_request", "npy"),
    "form without boundary": ("/encode", image(b"x", "multipart/form-data"), 400, "malformed_request", "boundary"),
    "broken form": ("/encode", image(b"x", "multipart/form-data; boundary=b"), 400, "malformed_request", "multipart"),
    "cut form": (
        "/encode",
        image(
            b'--b\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\nxyz',
            "multipart/form-data; boundary=b",
        ),
        400,
        "malformed_request",
        "last boundary",
    ),
    "form field": (
        "/encode",
        {"files": {"f": ("f.png", PNG, "image/png")}, "data": {"threshold": "1"}},
        400,
        "malformed_request",
        "'threshold'",
    ),
    "text file in a form": (
        "/encode",
        {"files": {"f": ("f.txt", b"hello", "text/plain")}},
        415,
        "unsupported_media",
        "text/plain",
    ),
    "4097 images": ("/encode", {"content": bytes(4097 * 784), "headers": OCTETS}, 413, "too_large", "4097"),
    "4097 images in json": ("/encode", {"json": {"images": [0] * 4097}}, 413, "too_large", "4097"),
    "wide code": ("/decode", {"json": {"codes": [[0.0] * 5]}}, 422, "invalid_code", "5"),
    "ragged codes": ("/decode", {"json": {"codes": [[0.0] * 4, [0.0] * 3]}}, 422, "invalid_code", "code 1"),
    "text in a code": ("/decode", {"json": {"codes": [[0, 0, 0, "1"]]}}, 422, "invalid_code", "code 0"),
    "true in a code": ("/decode", {"json": {"codes": [[0, 0, 0, True]]}}, 422, "invalid_code", "code 0"),
    "a number as code": ("/decode", {"json": {"codes": [1]}}, 422, "invalid_code", "code 0"),
    "inf in a code": ("/decode", npy(np.array([[0, 0, 0, np.inf]], np.float32)), 422, "invalid_code", "inf"),
    "1e39 in a code": ("/decode", text('{"codes": [[0, 0, 0, 1e39]]}'), 422, "invalid_code", "float32"),
    "unknown version": ("/encode?version=99", OK, 404, "not_found", "99"),
    "unknown label": ("/encode?label=x", OK, 404, "not_found", "x"),
    "version 0": ("/encode?version=0", OK, 400, "malformed_request", "'0'"),
    "version in letters": ("/encode?version=one", OK, 400, "malformed_request", "'one'"),
    "version and label": ("/encode?version=1&label=x", OK, 400, "malformed_request", "both"),
    "empty label": ("/encode?label=", OK, 400, "malformed_request", "label"),
    "repeated version": ("/encode?version=1&version=1", OK, 400, "malformed_request", "'version'"),
    "unknown parameter": ("/encode?limit=1", OK, 400, "malformed_request", "'limit'"),
    "threshold for encode": ("/encode?threshold=1", OK, 400, "malformed_request", "'threshold'"),
    "preprocess for decode": ("/decode?preprocess=mnist", OK, 400, "malformed_request", "'preprocess'"),
    "threshold above 1": ("/score?threshold=1.1", OK, 400, "malformed_request", "'1.1'"),
    "threshold nan": ("/score?threshold=nan", OK, 400, "malformed_request", "'nan'"),
    "unknown preprocess": ("/score?preprocess=x", OK, 400, "malformed_request", "'x'"),
    "long query": ("/score?label=" + "x" * 2000, OK, 400, "malformed_request", "bytes"),
    "timeout 0": ("/score", {**OK, "headers": {**OCTETS, "x-request-timeout": "0"}}, 400, "malformed_request", "'0'"),
    "timeout inf": (
        "/score",
        {**OK, "headers": {**OCTETS, "x-request-timeout": "inf"}},
        400,
        "malformed_request",
        "'inf'",
    ),
    "unknown accept": ("/score", {**OK, "headers": {**OCTETS, "accept": "image/png"}}, 406, "unsupported_media", "npy"),
    "broken accept": ("/score", {**OK, "headers": {**OCTETS, "accept": "*/*;q=x"}}, 400, "malformed_request", "q=x"),
    "long accept": (
        "/score",
        {**OK, "headers": {**OCTETS, "accept": "x" * 2000}},
        400,
        "malformed_request",
        "2000 bytes",
    ),
    "empty form": (
        "/encode",
        image(b"--b--\r\n", "multipart/form-data; boundary=b"),
        400,
        "malformed_request",
        "no file",
    ),
    "unknown path": ("/enc", OK, 404, "not_found", "/enc"),
}
