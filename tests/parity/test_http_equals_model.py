"""The answers over HTTP are those of the SavedModel called directly, whoever else is calling."""

import asyncio
import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.sameness import are_close, are_same

pytestmark = pytest.mark.tensorflow

_VERSION = Path(__file__).resolve().parents[2] / "models" / "digits" / "1"
_CALLERS = 64


@pytest.fixture(scope="module")
def direct(digits: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """The SavedModel's own outputs for 300 digits, by its Python signature."""
    import tensorflow as tf

    signature = tf.saved_model.load(str(_VERSION)).signatures["reconstruct"]
    return {name: tensor.numpy() for name, tensor in signature(images=tf.constant(digits[:300])).items()}


def read_reconstruct(answer: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Arrays from a JSON answer of /reconstruct."""
    pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in answer["reconstructions"]]
    return {
        "reconstructions": np.stack(pictures),
        "errors": np.array(answer["errors"], np.float32),
        "anomaly_scores": np.array(answer["anomaly_scores"], np.float32),
    }


def as_npy(images: NDArray[np.uint8]) -> bytes:
    """An npy body."""
    stream = io.BytesIO()
    np.save(stream, images)
    return stream.getvalue()


def as_png(image: NDArray[np.uint8]) -> bytes:
    """A PNG body."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("rows", [1, 7, 300])
def test_reconstruct_equals_the_model(
    http: httpx.Client, digits: NDArray[np.uint8], direct: dict[str, NDArray[Any]], rows: int
) -> None:
    """Pixels, errors and scores are equal for requests of any size."""
    answer = http.post("/reconstruct", content=as_npy(digits[:rows]), headers={"Content-Type": "application/x-npy"})

    for name, values in read_reconstruct(answer.json()).items():
        assert are_same(name, direct[name][:rows], values), name


@pytest.mark.parametrize("rows", [1, 7, 300])
def test_codes_equal_the_model(
    http: httpx.Client, digits: NDArray[np.uint8], direct: dict[str, NDArray[Any]], rows: int
) -> None:
    """Codes are equal, as JSON and as npy."""
    headers = {"Content-Type": "application/x-npy"}
    as_json = http.post("/encode", content=as_npy(digits[:rows]), headers=headers).json()["codes"]
    headers["Accept"] = "application/x-npy"
    as_array = np.load(io.BytesIO(http.post("/encode", content=as_npy(digits[:rows]), headers=headers).content))

    assert are_close("codes", direct["codes"][:rows], np.array(as_json, np.float32))
    assert np.array_equal(np.array(as_json, np.float32), as_array)


def test_decode_of_codes_is_the_reconstruction(
    http: httpx.Client, digits: NDArray[np.uint8], direct: dict[str, NDArray[Any]]
) -> None:
    """Encode and decode together are reconstruct, to the pixel."""
    codes = http.post("/encode", content=as_npy(digits[:7]), headers={"Content-Type": "application/x-npy"}).json()
    answer = http.post("/decode", json={"codes": codes["codes"]}, headers={"Accept": "application/x-npy"})

    assert are_same("reconstructions", direct["reconstructions"][:7], np.load(io.BytesIO(answer.content)))


async def test_concurrent_callers_get_their_own_answers(
    service_url: str, digits: NDArray[np.uint8], direct: dict[str, NDArray[Any]]
) -> None:
    """Under 64 callers at once, each with images of its own, every answer is that of the image alone."""
    limits = httpx.Limits(max_connections=_CALLERS)
    async with httpx.AsyncClient(base_url=service_url, timeout=60, limits=limits) as client:

        async def call(caller: int) -> None:
            for place in range(caller, len(direct["errors"]), _CALLERS):
                answer = await client.post(
                    "/reconstruct", content=as_png(digits[place]), headers={"Content-Type": "image/png"}
                )
                for name, values in read_reconstruct(json.loads(answer.content)).items():
                    assert are_same(name, direct[name][place : place + 1], values), (name, place)

        await asyncio.gather(*(call(caller) for caller in range(_CALLERS)))
