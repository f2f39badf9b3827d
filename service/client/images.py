"""What callers have of images -> what requests carry: pixels where that is enough, else files; cut to requests."""

import os
from collections.abc import Iterable, Iterator, Sized
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service import domain
from service.client.asks import CodeRows, Files, Packed
from service.client.errors import InvalidImageError, MalformedRequestError, RefusedError, find_refusal
from service.domain import IMAGE_BYTES, IMAGE_SIDE
from service.errors import DigitCodecError
from service.images import Preprocess, parse_npy, render_png, to_codes, to_images
from service.images.arrays import scale_pixels

ImageLike = str | os.PathLike[str] | bytes | Image.Image | NDArray[Any]
"""A path, the bytes of a file, a PIL image, or an array (28, 28) or (n, 28, 28) of integers 0..255 or floats 0..1."""

ImagesLike = ImageLike | Iterable[ImageLike]
"""One of them or many, of any kinds."""

_Item = domain.Images | bytes
"""Images as pixels, uint8 (n, 28, 28), or the bytes of one file."""

_ONE = (str, os.PathLike, bytes, Image.Image, np.ndarray)
_NPY_MAGIC = b"\x93NUMPY"

# What PNG can hold as it is; the service makes all of them grey.
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})

# Files of a request together: a quarter of what the service takes in one body unless told otherwise.
_MAX_FILE_BYTES = 8 * 2**20


class Gatherer:
    """Puts images together to requests, in order."""

    def __init__(self, preprocess: Preprocess, max_rows: int) -> None:
        """Begin with none.

        Args:
            preprocess: With `mnist` every image travels as a file, for the service makes only files fit.
            max_rows: Most images of a request.
        """
        self._preprocess = preprocess
        self._max_rows = max_rows
        self._items: list[_Item] = []
        self._rows = self._bytes = 0

    def add(self, image: ImageLike) -> Iterator[Packed | Files]:
        """Read what a caller has, and give out the requests that are full.

        Raises:
            InvalidImageError: If an array or a PIL image is no digit image.
            OSError: If a path cannot be read.
            TypeError: If it is none of the kinds.
        """
        for item in _read(image, self._preprocess):
            if isinstance(item, bytes):
                yield from self._gather(item, 1, len(item))
            elif len(item):
                yield from self._fill(item)

    def finish(self) -> Iterator[Packed | Files]:
        """Give out what is left, if anything is."""
        if self._items:
            yield _load(self._items)
        self._items, self._rows, self._bytes = [], 0, 0

    def _fill(self, images: domain.Images) -> Iterator[Packed | Files]:
        """Cut an array so that each request has as many rows as it may."""
        cuts = range(self._max_rows - self._rows, len(images), self._max_rows)
        for start, stop in pairwise([0, *cuts, len(images)]):
            yield from self._gather(images[start:stop], stop - start, (stop - start) * IMAGE_BYTES)

    def _gather(self, item: _Item, rows: int, size: int) -> Iterator[Packed | Files]:
        if self._bytes + size > _MAX_FILE_BYTES or self._rows + rows > self._max_rows:
            yield from self.finish()
        self._items.append(item)
        self._rows += rows
        self._bytes += size
        if self._rows == self._max_rows:
            yield from self.finish()


def list_images(images: ImagesLike) -> Iterable[ImageLike]:
    """What callers may hand over, as many images."""
    return [images] if isinstance(images, _ONE) else images


def read_loads(images: ImagesLike, gatherer: Gatherer) -> Iterator[Packed | Files]:
    """Requests' worth of images, in order; files are read as they are come to. Errors are those of `Gatherer.add`."""
    for image in list_images(images):
        yield from gatherer.add(image)
    yield from gatherer.finish()


def reads_files(images: object) -> bool:
    """True if to go through the images may take the time of a disk."""
    return not isinstance(images, bytes | np.ndarray | Image.Image)


def count_images(images: object) -> int | None:
    """How many images will come; None if only the end will tell. An item of a list counts as one."""
    if isinstance(images, np.ndarray) and images.ndim == 3:
        return len(images)
    if isinstance(images, _ONE):
        return 1
    return len(images) if isinstance(images, Sized) else None


def read_codes(codes: NDArray[Any], max_rows: int) -> Iterator[CodeRows]:
    """Requests' worth of codes (code_dim,) or (n, code_dim), in order.

    Raises:
        InvalidCodeError: If they are no numbers, have another shape, or are not finite as float32.
    """
    try:
        rows = to_codes(np.asarray(codes))
    except DigitCodecError as error:
        raise _refuse(error) from error
    for start in range(0, len(rows), max_rows):
        yield CodeRows(rows[start : start + max_rows])


def refuse_nothing() -> MalformedRequestError:
    """The error of a call without rows."""
    return MalformedRequestError("nothing came, expected at least one row")


def _read(image: ImageLike, preprocess: Preprocess) -> Iterator[_Item]:
    try:
        yield from _read_one(image, preprocess)
    except DigitCodecError as error:
        raise _refuse(error) from error


def _read_one(image: ImageLike, preprocess: Preprocess) -> Iterable[_Item]:
    if isinstance(image, np.ndarray):
        return _read_array(image, preprocess)
    if isinstance(image, Image.Image):
        return [_render_picture(image)]
    if isinstance(image, str | os.PathLike):
        image = Path(image).read_bytes()
    if not isinstance(image, bytes):
        raise TypeError(f"got {type(image).__name__}, expected a path, bytes, a PIL image or an array")
    return _read_array(parse_npy(image), preprocess) if image.startswith(_NPY_MAGIC) else [image]


def _read_array(array: NDArray[Any], preprocess: Preprocess) -> Iterable[_Item]:
    if preprocess == "strict":
        return [to_images(array)]
    return map(_render_pixels, _part(scale_pixels(array)))


def _part(pixels: NDArray[np.uint8]) -> Iterable[NDArray[np.uint8]]:
    """The pictures of an array: (n, 28, 28) are n; (height, width) or (height, width, 3 or 4) is one."""
    return pixels if pixels.ndim == 3 and pixels.shape[1:] == (IMAGE_SIDE, IMAGE_SIDE) else [pixels]


def _render_pixels(pixels: NDArray[np.uint8]) -> bytes:
    if pixels.ndim == 2 and pixels.size:
        return render_png(pixels)
    if pixels.ndim == 3 and pixels.shape[2] in {3, 4} and pixels.size:
        return _render_picture(Image.fromarray(pixels))
    expected = "(height, width), (height, width, 3 or 4) or (n, 28, 28)"
    raise InvalidImageError(f"got an array of shape {pixels.shape}, expected {expected}")


def _render_picture(picture: Image.Image) -> bytes:
    """A PIL image as a PNG file; what PNG cannot hold becomes RGB."""
    stream = BytesIO()
    fitting = picture if picture.mode in _PNG_MODES else picture.convert("RGB")
    fitting.save(stream, "PNG", compress_level=1)  # the file lives for one request
    return stream.getvalue()


def _load(items: list[_Item]) -> Packed | Files:
    arrays = [item for item in items if not isinstance(item, bytes)]
    if len(arrays) == len(items):
        return Packed(arrays[0] if len(arrays) == 1 else np.concatenate(arrays))
    return Files(tuple(file for item in items for file in _list_files(item)))


def _list_files(item: _Item) -> Iterable[bytes]:
    return [item] if isinstance(item, bytes) else map(render_png, item)


def _refuse(error: DigitCodecError) -> RefusedError:
    """The client's error for what the house's own checks say of an array."""
    return find_refusal(error.reason)(error.detail)
