"""What is asked in a bench: how many callers, for what, with which bytes; knows no system."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.words import http
from bench.words.ask import HttpRequest
from service.domain import Images

Signature = Literal["encode", "reconstruct"]
SIGNATURES: tuple[Signature, ...] = get_args(Signature)
Indices = NDArray[np.int64]

DIGITS = 64
"""Different digits that callers send in turn."""

_BULK_CALLERS = {256: 4, 4096: 2}
# Bodies of megabytes: a few suffice.
_MOST_BULK_IMAGES = 8192


@dataclass(frozen=True, slots=True)
class Load:
    """One way to ask.

    Attributes:
        signature: What is asked for.
        callers: Connections, each with one request under way.
        rows: Images in a request: one goes as a PNG file for JSON, several go as npy for npy.
    """

    signature: Signature
    callers: int
    rows: int = 1

    @property
    def name(self) -> str:
        """For the tables."""
        subject = self.signature if self.rows == 1 else f"{self.signature} {self.rows} npy"
        return f"{subject}, c={self.callers}"


def list_loads(concurrencies: Sequence[int]) -> list[Load]:
    """Single images for each signature at each concurrency, then bulk."""
    signatures: tuple[Signature, ...] = ("encode", "reconstruct")
    singles = [Load(signature, callers) for signature in signatures for callers in concurrencies]
    return [*singles, *(Load("encode", callers, rows) for rows, callers in _BULK_CALLERS.items())]


def render_requests(load: Load, digits: Images, path: str) -> list[bytes]:
    """The requests that callers send in turn, ready for the wire.

    Args:
        load: What is asked.
        digits: At least one image.
        path: Where the system takes them.
    """
    return [replace(request, path=path).render() for request in write_requests(load, digits)]


def write_requests(load: Load, digits: Images) -> list[HttpRequest]:
    """The requests that callers send in turn, at the path of our own door."""
    batches = split_into_requests(load, digits)
    if load.rows == 1:
        return [_write_png(load.signature, images) for images in batches]
    return [_write_npy(load.signature, images) for images in batches]


def split_into_requests(load: Load, digits: Images) -> list[Images]:
    """The images of each request: all digits, one by one, or a few large sets."""
    return [digits[rows] for rows in list_rows(load, len(digits))]


def list_rows(load: Load, digits: int) -> list[Indices]:
    """Which of so many digits each request holds, from the first one on and round again."""
    count = DIGITS if load.rows == 1 else max(1, _MOST_BULK_IMAGES // load.rows)
    return [np.arange(first, first + load.rows) % digits for first in range(0, count * load.rows, load.rows)]


def _write_png(signature: Signature, images: Images) -> HttpRequest:
    file = io.BytesIO()
    Image.fromarray(images[0]).save(file, "PNG")  # Pillow's, as most callers' files are; ours are smaller
    return HttpRequest(f"/{signature}", file.getvalue(), {"Content-Type": "image/png"})


def _write_npy(signature: Signature, images: Images) -> HttpRequest:
    request = http.NPY.write(signature, images)
    if not isinstance(request, HttpRequest):
        raise TypeError("the words of HTTP are no HTTP. This is a bug")
    return request
