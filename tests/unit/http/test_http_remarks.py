"""What an answer says of the images themselves: notes, and how they look normalised."""

import io
from base64 import b64decode, b64encode
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from support.fakes import count_images
from support.http_door import build_door, open_client
from support.pictures import encode

from service.images import ImageLimits, decode_image, render_png

CROP = np.full((90, 70), 230, np.uint8)
CROP[20:70, 30:36] = 20
BLANK = np.full((50, 50), 200, np.uint8)
FILES = {"images": [b64encode(encode(picture, "PNG")).decode() for picture in (CROP, BLANK)]}


async def post(path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    """The answer of a door over a fake model."""
    async with open_client(build_door()) as client:
        return await client.post(path, json=body, headers=headers)


@pytest.mark.parametrize("path", ["/encode", "/reconstruct", "/score"])
async def test_notes_stand_beside_their_images(path: str) -> None:
    """One entry for each image, null for those of which nothing is to be said."""
    answer = (await post(f"{path}?preprocess=mnist", FILES)).json()

    assert [None, "no_ink"] == answer["notes"]
    assert "normalised" not in answer


async def test_nothing_to_say_adds_nothing() -> None:
    """Clean crops and strict requests are answered as ever."""
    clean = (await post("/score?preprocess=mnist", {"images": FILES["images"][:1]})).json()
    strict = (await post("/score", {"images": np.zeros((1, 28, 28), int).tolist()})).json()

    assert ["model", "errors", "anomaly_scores", "anomalies"] == list(clean) == list(strict)


async def test_normalised_pictures_are_those_that_the_model_saw() -> None:
    """As PNG files, in the order of the request."""
    answer = (await post("/score?preprocess=mnist&include=normalised", FILES)).json()
    limits = ImageLimits(max_pixels=10_000)
    seen = [decode_image(encode(picture, "PNG"), limits=limits, preprocess="mnist") for picture in (CROP, BLANK)]
    shown = [np.asarray(Image.open(io.BytesIO(b64decode(png)))) for png in answer["normalised"]]

    np.testing.assert_array_equal(seen, shown)


async def test_strict_images_are_shown_as_they_came() -> None:
    """Whoever asks for them gets them, whatever `preprocess` is."""
    images = count_images(2)
    answer = (await post("/encode?include=normalised", {"images": images.tolist()})).json()

    assert [b64encode(render_png(image)).decode() for image in images] == answer["normalised"]


@pytest.mark.parametrize("accept", ["application/x-npy", "image/png"])
async def test_other_formats_carry_notes_in_a_header(accept: str) -> None:
    """One word a row; no header where there is nothing to say."""
    noted = await post("/reconstruct?preprocess=mnist", FILES, accept=accept)
    clean = await post("/reconstruct?preprocess=mnist", {"images": FILES["images"][:1]}, accept=accept)

    assert "none,no_ink" == noted.headers["x-note"]
    assert "x-note" not in clean.headers


async def test_header_is_left_out_for_many_rows() -> None:
    """Proxies take no longer ones."""
    answer = await post(
        "/reconstruct?preprocess=mnist", {"images": FILES["images"][1:] * 65}, accept="application/x-npy"
    )

    assert 200 == answer.status_code
    assert "x-note" not in answer.headers


@pytest.mark.parametrize(
    ("query", "accept", "detail"),
    [
        ("include=codes", "*/*", "include is 'codes', expected 'normalised'"),
        ("include=normalised", "image/png", "only application/json has them"),
    ],
)
async def test_pictures_that_cannot_be_given_are_refused(query: str, accept: str, detail: str) -> None:
    """Rather than left out in silence."""
    answer = await post(f"/reconstruct?{query}", FILES, accept=accept)

    assert (400, "malformed_request") == (answer.status_code, answer.json()["reason"])
    assert detail in answer.json()["detail"]
