"""Files -> rows: images, or what is wrong in their place; one bad file harms no other."""

import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from service.cli.inputs import STDIN, InputFile
from service.domain import IMAGE_BYTES, IMAGE_SIDE, Images, Rows
from service.errors import DigitCodecError
from service.images import ImageLimits, Preprocess, decode_image, find_notes, parse_npy, to_images

NPY_MAGIC = b"\x93NUMPY"
UNREADABLE = "unreadable"
"""The reason of a file that cannot be opened; the others are those of the service."""

_ONE_IMAGE = {(IMAGE_SIDE, IMAGE_SIDE), (IMAGE_BYTES,)}


class Item(NamedTuple):
    """One row of the input.

    Attributes:
        file: Where it comes from.
        row: Its index within the file.
        image: uint8 (28, 28), or None if it could not be read.
        note: What no digit looks like, in a word; only with `preprocess=mnist`.
        reason: Why there is no image, in a word; empty if there is one.
        problem: The same as a sentence.
    """

    file: InputFile
    row: int = 0
    image: Images | None = None
    note: str = ""
    reason: str = ""
    problem: str = ""


def read_items(files: Iterable[InputFile], limits: ImageLimits, preprocess: Preprocess) -> Iterator[Item]:
    """The rows of all files; each is opened when its first row is asked for."""
    for file in files:
        try:
            content = read_file(file)
        except OSError as error:
            yield Item(file, reason=UNREADABLE, problem=error.strerror or str(error))
            continue
        if content.startswith(NPY_MAGIC):
            yield from _read_array(file, content)
        else:
            yield _read_image(file, content, limits, preprocess)


def read_file(file: InputFile) -> bytes:
    """All of a file, or of standard input.

    Raises:
        OSError: If it cannot be read.
    """
    return sys.stdin.buffer.read() if file.path == STDIN else Path(file.path).read_bytes()


def _read_image(file: InputFile, content: bytes, limits: ImageLimits, preprocess: Preprocess) -> Item:
    try:
        image = decode_image(content, limits=limits, preprocess=preprocess)
    except DigitCodecError as error:
        return _refuse(file, 0, error)
    (note,) = find_notes(image[None]) if preprocess == "mnist" else (None,)
    return Item(file, image=image, note=note.value if note else "")


def _read_array(file: InputFile, content: bytes) -> Iterator[Item]:
    """The images of a .npy file; where a pixel is none, each row is looked at by itself."""
    try:
        images = parse_npy(content)
    except DigitCodecError as error:
        array = _load_rows(content) if error.faults else None
        if array is None:
            yield _refuse(file, 0, error)
            return
        yield from (_read_row(file, row, pixels) for row, pixels in enumerate(array))
    else:
        yield from (Item(file, row, image) for row, image in enumerate(images))


def _load_rows(content: bytes) -> Rows | None:
    """The array of a .npy file whose header was found good; None if it is one image alone."""
    array: Rows = np.load(BytesIO(content), allow_pickle=False)
    return None if array.shape in _ONE_IMAGE else array


def _read_row(file: InputFile, row: int, pixels: Rows) -> Item:
    try:
        return Item(file, row, to_images(pixels[None])[0])
    except DigitCodecError as error:
        return _refuse(file, row, error)


def _refuse(file: InputFile, row: int, error: DigitCodecError) -> Item:
    return Item(file, row, reason=error.reason, problem=error.detail)
