"""Every format of contract two in and out gives the same numbers, in the same order."""

import io
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from support.fakes import (
    FakeBackend,
    count_images,
    fake_codes,
    fake_errors,
    fake_pictures,
    fake_reconstructions,
    fake_scores,
)
from support.http_door import CountingExecutor, build_door, open_client

from service.domain import Images
from service.images import ImageLimits as Limits
from service.images import decode_image, render_npy, render_png

NPY = "application/x-npy"
IMAGES = count_images(3)


@pytest.fixture
def bulk() -> CountingExecutor:
    """The executor of large requests."""
    return CountingExecutor()


@pytest.fixture
async def client(bulk: CountingExecutor) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door."""
    async with open_client(build_door(bulk=bulk)) as opened:
        yield opened


def pillow_file(image: Images, name: str) -> bytes:
    """The image as Pillow writes it."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, name)
    return stream.getvalue()


def read_png(data: bytes) -> Images:
    """The pixels of a grey PNG, as Pillow reads them."""
    return np.asarray(Image.open(io.BytesIO(data)))


def read_npy(data: bytes) -> Any:
    """The array of a npy file, as NumPy reads it."""
    return np.load(io.BytesIO(data))


BODIES: dict[str, dict[str, Any]] = {
    "multipart": {"files": [("any", (f"{i}.png", render_png(image), "image/png")) for i, image in enumerate(IMAGES)]},
    "multipart of unknown type": {
        "files": [("any", (f"{i}.x", render_png(image), "application/octet-stream")) for i, image in enumerate(IMAGES)]
    },
    "json base64": {"json": {"images": [b64encode(render_png(image)).decode() for image in IMAGES]}},
    "json nested": {"json": {"images": IMAGES.tolist()}},
    "json floats": {"json": {"images": (IMAGES / 255).tolist()}},
    "json mixed": {"json": {"images": [b64encode(render_png(IMAGES[0])).decode(), *IMAGES[1:].tolist()]}},
    "npy": {"content": render_npy(IMAGES), "headers": {"content-type": NPY}},
    "raw": {"content": IMAGES.tobytes(), "headers": {"content-type": "application/octet-stream"}},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_every_body_format_gives_the_same_codes_in_order(client: httpx.AsyncClient, body: Any) -> None:
    """Row i of the answer is row i of the request, however it came."""
    answer = await client.post("/encode", **body)

    assert 200 == answer.status_code, answer.text
    assert fake_codes(IMAGES).tolist() == np.float32(answer.json()["codes"]).tolist()
    assert {"name": "digits", "version": 1} == answer.json()["model"]


@pytest.mark.parametrize(("media_type", "name"), [("image/png", "PNG"), ("image/bmp", "BMP"), ("image/tiff", "TIFF")])
@pytest.mark.parametrize("parameters", ["", "; charset=utf-8", " ;q=1"])
async def test_raw_image_is_taken_by_its_content_type(
    client: httpx.AsyncClient, media_type: str, name: str, parameters: str
) -> None:
    """The type may have parameters and any case."""
    headers = {"content-type": media_type.upper() + parameters}
    answer = await client.post("/encode", content=pillow_file(IMAGES[2], name), headers=headers)

    assert fake_codes(IMAGES[2:]).tolist() == np.float32(answer.json()["codes"]).tolist()


async def test_other_sizes_are_taken_with_preprocess_mnist(client: httpx.AsyncClient) -> None:
    """A picture of any size becomes what the image room makes of it."""
    picture = np.zeros((60, 40), np.uint8)
    picture[10:50, 15:25] = 255
    data = pillow_file(picture, "PNG")
    answer = await client.post("/encode?preprocess=mnist", content=data, headers={"content-type": "image/png"})
    image = decode_image(data, limits=Limits(10_000), preprocess="mnist")

    assert fake_codes(image[np.newaxis]).tolist() == np.float32(answer.json()["codes"]).tolist()


@pytest.mark.parametrize(
    ("preprocess", "count", "side", "expected"),
    [
        # Crops are always read there; notes on more than 8 are found there.
        ("mnist", 1, 28, 1),
        ("mnist", 8, 28, 1),
        ("mnist", 9, 28, 2),
        # Answers of more than 64 rows go there too.
        ("strict", 64, 28, 0),
        ("strict", 83, 28, 1),
        ("strict", 84, 28, 2),
    ],
)
async def test_headers_decide_where_small_files_are_decoded(
    client: httpx.AsyncClient, bulk: CountingExecutor, preprocess: str, count: int, side: int, expected: int
) -> None:
    """Few pixels are decoded at once and never wait for others' large bodies; many go to the bulk executor."""
    text = b64encode(pillow_file(np.zeros((side, side), np.uint8), "PNG")).decode()
    answer = await client.post(f"/encode?preprocess={preprocess}", json={"images": [text] * count})

    assert (200, count) == (answer.status_code, len(answer.json()["codes"]))
    assert expected == bulk.submitted


async def test_encode_answers_npy(client: httpx.AsyncClient) -> None:
    """Codes leave as float32, with the model in headers."""
    answer = await client.post("/encode", content=IMAGES.tobytes(), headers=raw(NPY))

    codes = read_npy(answer.content)
    assert np.float32 == codes.dtype
    np.testing.assert_array_equal(fake_codes(IMAGES), codes)
    assert ("digits", "1", NPY) == (
        answer.headers["x-model-name"],
        answer.headers["x-model-version"],
        answer.headers["content-type"],
    )


def raw(accept: str) -> dict[str, str]:
    """Headers of a raw body and a wanted answer."""
    return {"content-type": "application/octet-stream", "accept": accept}


@pytest.mark.parametrize("as_json", [True, False])
async def test_decode_takes_json_and_npy(client: httpx.AsyncClient, *, as_json: bool) -> None:
    """Codes come in both formats; images leave as base64 PNG files."""
    codes = fake_codes(IMAGES)
    if as_json:
        answer = await client.post("/decode", json={"codes": codes.tolist()})
    else:
        answer = await client.post("/decode", content=render_npy(codes), headers={"content-type": NPY})

    pictures = [read_png(b64decode(text)) for text in answer.json()["images"]]
    np.testing.assert_array_equal(fake_pictures(codes), pictures)


async def test_decode_answers_npy_and_one_png(client: httpx.AsyncClient) -> None:
    """Images leave as uint8 npy, and one image as a plain PNG without verdict headers."""
    codes = fake_codes(IMAGES)
    npy = await client.post("/decode", content=render_npy(codes), headers={"content-type": NPY, "accept": NPY})
    png = await client.post("/decode", json={"codes": codes[:1].tolist()}, headers={"accept": "image/*"})

    np.testing.assert_array_equal(fake_pictures(codes), read_npy(npy.content))
    np.testing.assert_array_equal(fake_pictures(codes)[0], read_png(png.content))
    assert "x-anomaly" not in png.headers


async def test_reconstruct_answers_json(client: httpx.AsyncClient) -> None:
    """Pictures, errors, scores and verdicts are lists of equal length."""
    answer = (await client.post("/reconstruct", content=IMAGES.tobytes(), headers=raw("*/*"))).json()

    pictures = [read_png(b64decode(text)) for text in answer["reconstructions"]]
    np.testing.assert_array_equal(fake_reconstructions(IMAGES), pictures)
    assert fake_errors(IMAGES).tolist() == np.float32(answer["errors"]).tolist()
    assert fake_scores(IMAGES).tolist() == np.float32(answer["anomaly_scores"]).tolist()
    assert [False, False, False] == answer["anomalies"]


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_reconstruct_answers_a_picture_or_a_contact_sheet(client: httpx.AsyncClient, count: int) -> None:
    """Errors, scores and verdicts stand in headers, the numbers as JSON would have them."""
    images = count_images(count)
    answer = await client.post("/reconstruct", content=images.tobytes(), headers=raw("image/png"))

    side = 28 if count == 1 else 57
    assert (28 if count < 3 else 57, side) == read_png(answer.content).shape
    np.testing.assert_array_equal(fake_reconstructions(images)[0], read_png(answer.content)[:28, :28])
    scores = [np.float32(text) for text in answer.headers["x-anomaly-score"].split(",")]
    errors = [np.float32(text) for text in answer.headers["x-reconstruction-error"].split(",")]
    assert (fake_scores(images).tolist(), fake_errors(images).tolist()) == (scores, errors)
    assert ",".join(["false"] * count) == answer.headers["x-anomaly"]


@pytest.mark.parametrize(("count", "expected"), [(64, True), (65, False)])
async def test_verdict_headers_are_left_out_for_many_rows(
    client: httpx.AsyncClient, count: int, *, expected: bool
) -> None:
    """Proxies refuse long headers."""
    answer = await client.post("/reconstruct", content=count_images(count).tobytes(), headers=raw(NPY))

    assert expected == ("x-anomaly-score" in answer.headers)
    np.testing.assert_array_equal(fake_reconstructions(count_images(count)), read_npy(answer.content))


async def test_score_answers_npy_of_errors_and_scores(client: httpx.AsyncClient) -> None:
    """Column 0 is the reconstruction error, column 1 the anomaly score."""
    answer = await client.post("/score", content=IMAGES.tobytes(), headers=raw(NPY))

    expected = np.stack([fake_errors(IMAGES), fake_scores(IMAGES)], axis=1)
    np.testing.assert_array_equal(expected, read_npy(answer.content))


async def test_threshold_decides_strictly(client: httpx.AsyncClient) -> None:
    """A score equal to the threshold is still normal."""
    scores = fake_scores(IMAGES)
    threshold = repr(float(scores[1]))
    answer = await client.post(f"/score?threshold={threshold}", content=IMAGES.tobytes(), headers=raw("*/*"))

    assert (scores > scores[1]).tolist() == answer.json()["anomalies"]


async def test_large_requests_are_parsed_and_rendered_off_the_loop(
    client: httpx.AsyncClient, bulk: CountingExecutor
) -> None:
    """300 images go to the bulk executor twice, three images not at all."""
    await client.post("/reconstruct", content=IMAGES.tobytes(), headers=raw("*/*"))
    assert 0 == bulk.submitted

    images = count_images(300)
    answer = await client.post("/reconstruct", content=images.tobytes(), headers=raw("*/*"))

    assert 2 == bulk.submitted
    assert fake_errors(images).tolist() == np.float32(answer.json()["errors"]).tolist()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("image/*", "image/png"),
        ("image/*;q=0.5, application/*", "application/json"),
        ("application/json;q=0, */*", NPY),
        ("application/json;q=0.1, image/png;q=0.9, application/x-npy;q=0.5", "image/png"),
        ("*/*;q=0.1, APPLICATION/X-NPY ; q=0.2", NPY),
        ("image/png;q=0, image/*", None),
        ("application/json;q=0", None),
        ("text/csv", None),
    ],
)
async def test_answer_follows_accept(client: httpx.AsyncClient, accept: str | None, expected: str | None) -> None:
    """The most specific range gives a format its quality; among equals our order decides."""
    headers = {"content-type": "application/octet-stream"} | ({} if accept is None else {"accept": accept})
    answer = await client.post("/reconstruct", content=IMAGES.tobytes(), headers=headers)

    assert (expected or "application/problem+json") == answer.headers["content-type"]
    assert (406 if expected is None else 200) == answer.status_code


async def test_repeated_accept_headers_count_as_one(client: httpx.AsyncClient) -> None:
    """RFC 9110, 5.3: several fields of a list are one list."""
    headers = [("content-type", "application/octet-stream"), ("accept", "text/csv"), ("accept", NPY)]
    answer = await client.post("/encode", content=IMAGES.tobytes(), headers=headers)

    assert NPY == answer.headers["content-type"]


async def test_version_and_label_select() -> None:
    """The version that answered stands in the answer."""
    app = build_door(FakeBackend(1, 2, 3, labels={"stable": 2}))
    async with open_client(app) as client:
        answers = [
            await client.post(f"/score{query}", content=IMAGES.tobytes(), headers=raw("*/*"))
            for query in ("?preprocess=strict", "?version=1", "?label=stable&preprocess=strict")
        ]

    assert [3, 1, 2] == [answer.json()["model"]["version"] for answer in answers]
