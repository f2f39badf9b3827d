"""The refusals of contract two by the whole service: status, reason, within a second, and it answers on."""

import base64
import io
import time
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from support.refusals import PNG, REFUSALS

from bench.running import RunningService

pytestmark = pytest.mark.tensorflow

_GROWTH_MIB = 40.0
_MUTATIONS = 2000
_PATHS = ("/encode", "/reconstruct", "/score", "/encode?preprocess=mnist")


@pytest.mark.parametrize(("path", "request_", "status", "reason", "word"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusal_is_quick_and_the_service_answers_on(
    http: httpx.Client, path: str, request_: dict[str, Any], status: int, reason: str, word: str
) -> None:
    """The documented status and reason come in less than a second, and a good request is answered afterwards."""
    began_s = time.monotonic()
    answer = http.post(path, **request_)
    took_s = time.monotonic() - began_s

    assert (status, reason) == (answer.status_code, answer.json()["reason"]), answer.text
    assert word in answer.json()["detail"]
    assert took_s < 1
    assert 200 == http.post("/encode", content=PNG, headers={"content-type": "image/png"}).status_code


def test_wrong_method_is_refused(http: httpx.Client) -> None:
    """GET on an operation says which methods there are."""
    answer = http.get("/encode")

    assert (405, "method_not_allowed") == (answer.status_code, answer.json()["reason"])
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *(("PNG", mode) for mode in ("L", "RGB", "RGBA", "LA", "P", "1", "I;16")),
        *(("JPEG", "CMYK"), ("TIFF", "L"), ("BMP", "RGB"), ("GIF", "L"), ("WEBP", "RGB"), ("PPM", "L")),
    ],
)
def test_sensible_kinds_of_pictures_are_accepted(http: httpx.Client, name: str, mode: str) -> None:
    """A digit in colours, with alpha, a palette, two levels or 16 bits is the digit that it shows."""
    stream = io.BytesIO()
    picture: Image.Image = Image.open(io.BytesIO(PNG))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    else:
        picture = picture.convert("RGB").convert(mode)
    picture.save(stream, name, **({"quality": 100} if name in {"JPEG", "WEBP"} else {}))
    media_type = "image/x-portable-graymap" if name == "PPM" else f"image/{name.lower()}"
    answer = http.post("/score", content=stream.getvalue(), headers={"content-type": media_type})

    assert 200 == answer.status_code, answer.text


def test_mutated_bodies_never_harm_the_service(http: httpx.Client, service: RunningService) -> None:
    """2,000 bodies mutated at random: never a 5xx, never a second, and memory does not grow."""
    random = np.random.default_rng(0)
    nested = np.asarray(Image.open(io.BytesIO(PNG))).tolist()
    seeds = [
        ("image/png", PNG),
        ("application/octet-stream", bytes(784)),
        ("application/json", b'{"images": ["' + base64.b64encode(PNG) + b'"]}'),
        ("application/json", str({"images": [nested]}).replace("'", '"').encode()),
    ]
    before_mib = 0.0
    for number in range(_MUTATIONS):
        media_type, seed = seeds[number % len(seeds)]
        body = bytearray(seed)
        for place in random.integers(0, len(body), random.integers(1, 9)):
            body[place] = random.integers(0, 256)
        began_s = time.monotonic()
        path = _PATHS[random.integers(0, len(_PATHS))]
        answer = http.post(path, content=bytes(body), headers={"content-type": media_type})
        assert answer.status_code in {200, 400, 413, 415, 422}, answer.text
        assert time.monotonic() - began_s < 1
        if number == _MUTATIONS // 10:  # what is loaded once has been loaded by now
            before_mib = service.memory_mib()

    assert service.memory_mib() - before_mib < _GROWTH_MIB
