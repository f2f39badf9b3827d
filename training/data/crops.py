"""One image file -> one image, by the gateway's own code; the only module of the trainer that knows the service.

A model must see in training what it will see in service, to the last bit (docs/adr/0005). Beside the image there is a
look at the file itself, its size and its polarity, which only the data report needs.
"""

import stat
import warnings
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from service.errors import DigitCodecError, InvalidImageError, PayloadTooLargeError
from service.images import FORMATS, ImageLimits, open_image, render_contact_sheet
from service.images.grey import Paper, read_grey
from service.images.header import guard
from training.data.facts import Polarity
from training.data.readers import SIDE, Images
from training.errors import DataError

__all__ = ["Crop", "UnusableFileError", "read_crop", "render_contact_sheet"]

# Both as the gateway has them by default: what it would not take, a model need not know.
_LIMITS = ImageLimits(max_pixels=2**24)
_MAX_FILE_BYTES = 32 * 2**20
# Levels of 255 between the darkest and the brightest pixel; below it `mnist` sees no ink either.
_MIN_CONTRAST = 24
# Share of the border from which on it is paper, and the ink does not merely touch it.
_CLEAR_SHARE = 0.75
# A JPEG is looked at in about this size, which costs a fraction of decoding it whole.
_LOOK_SIDE = 112
# The service has one class for all faults of a file: what tells them apart is a part of its text, held by tests.
_REASONS = (
    ("frames, expected 1", "animated"),
    (f"expected {SIDE}x{SIDE}", f"not {SIDE}x{SIDE}"),
    ("expected one of image/", "no image file"),
)

Grey = Images


class UnusableFileError(DataError):
    """A file gives no image.

    Attributes:
        reason: In a word or two, the same for all files of one kind of fault.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Crop(NamedTuple):
    """A file that was read.

    Attributes:
        image: uint8 (28, 28), ink bright on dark.
        size: Width and height of the picture in the file; None where only the gateway's reader can tell.
        polarity: Of the picture in the file.
    """

    image: Images
    size: tuple[int, int] | None
    polarity: Polarity


def read_crop(path: Path, preprocess: Literal["strict", "mnist"]) -> Crop:
    """Read one image file; docs/images.md has the table of what is accepted.

    Args:
        path: The file, of at most 32 MiB and 2**24 pixels.
        preprocess: `strict` takes 28x28 pixels as they are; `mnist` takes any size and polarity.

    Raises:
        UnusableFileError: If it cannot be read, is too large, is no image file, or shows no ink.
    """
    data = _read_bytes(path)
    try:
        image = open_image(data, limits=_LIMITS, preprocess=preprocess).decode()
    except DigitCodecError as error:
        raise UnusableFileError(_name_reason(error), error.detail) from error
    if int(image.max()) - int(image.min()) < _MIN_CONTRAST:
        raise UnusableFileError("blank", "no ink is found")
    if preprocess == "strict":
        return Crop(image, (SIDE, SIDE), _find_polarity(image))
    return Crop(image, *_look(data))


def _read_bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would keep its reader waiting
            raise UnusableFileError("unreadable", "this is no regular file")
        if status.st_size > _MAX_FILE_BYTES:
            raise UnusableFileError(
                "too large", f"the file has {status.st_size} bytes, the limit is {_MAX_FILE_BYTES} bytes"
            )
        return path.read_bytes()
    except OSError as error:
        raise UnusableFileError("unreadable", f"the file cannot be read: {error.strerror}") from error


def _name_reason(error: DigitCodecError) -> str:
    if isinstance(error, PayloadTooLargeError):
        return "too large"
    return next((reason for words, reason in _REASONS if words in error.detail), "unreadable")


def _look(data: bytes) -> tuple[tuple[int, int] | None, Polarity]:
    """Size and polarity of a file that the gateway's reader has accepted, by Pillow's own."""
    size = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # all of them concern metadata, which the gateway never parses
            picture = guard(lambda: Image.open(BytesIO(data), formats=tuple(FORMATS.values())))
            size = picture.size
            picture.draft("L", (_LOOK_SIDE, _LOOK_SIDE))
            guard(lambda: _load(picture))
            return size, _find_polarity(read_grey(picture, 1, Paper.OPPOSITE))
    except InvalidImageError:  # damaged metadata: no harm to the image, which the gateway has read
        return size, Polarity.UNCLEAR


def _load(picture: Image.Image) -> Image.Image:
    picture.load()
    return picture


def _find_polarity(grey: Grey) -> Polarity:
    """By the share of the border that is nearer to the brightest pixel than to the darkest."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    light = float(np.mean(border > (int(grey.min()) + int(grey.max())) / 2))
    if light >= _CLEAR_SHARE:
        return Polarity.DARK_ON_LIGHT
    return Polarity.LIGHT_ON_DARK if light <= 1 - _CLEAR_SHARE else Polarity.UNCLEAR
