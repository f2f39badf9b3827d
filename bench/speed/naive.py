"""What one writes first: FastAPI, plain handlers in its threads, a call of a TensorFlow signature per request, Pillow.

Its answers have the same form as the service's. The version's folder is named by BENCH_VERSION.
"""

import base64
import io
import os
from typing import Annotated, Any

import numpy as np
import tensorflow as tf
from fastapi import Body, FastAPI, Response
from numpy.typing import NDArray
from PIL import Image

app = FastAPI()
_loaded = tf.saved_model.load(os.environ["BENCH_VERSION"])
_MODEL = {"name": "digits", "version": 1}
_WARM = (1, 2, 8, 32)


def _run(signature: str, images: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    outputs = _loaded.signatures[signature](images=tf.constant(images))
    return {name: tensor.numpy() for name, tensor in outputs.items()}


def _read_png(file: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(file)).convert("L"))[None]


def _write_png(image: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@app.post("/encode")
def encode(image: Annotated[bytes, Body(media_type="image/png")]) -> dict[str, Any]:
    """The code of one PNG file."""
    return {"model": _MODEL, "codes": _run("encode", _read_png(image))["codes"].tolist()}


@app.post("/reconstruct")
def reconstruct(image: Annotated[bytes, Body(media_type="image/png")]) -> dict[str, Any]:
    """The cleaned picture of one PNG file, its error and its score."""
    outputs = _run("reconstruct", _read_png(image))
    return {
        "model": _MODEL,
        "reconstructions": [_write_png(picture) for picture in outputs["reconstructions"]],
        "errors": outputs["errors"].tolist(),
        "anomaly_scores": outputs["anomaly_scores"].tolist(),
    }


@app.post("/encode_many")
def encode_many(images: Annotated[bytes, Body(media_type="application/x-npy")]) -> Response:
    """The codes of images in an npy file, as another."""
    file = io.BytesIO()
    np.save(file, _run("encode", np.load(io.BytesIO(images), allow_pickle=False))["codes"])
    return Response(file.getvalue(), media_type="application/x-npy")


for _size in _WARM:
    for _name in ("encode", "reconstruct"):
        _run(_name, np.zeros((_size, 28, 28), np.uint8))
