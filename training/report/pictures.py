"""Arrays of pixels -> PNG inside the page; knows no model and draws no chart."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 28

Images = NDArray[np.uint8]
Grey = NDArray[np.uint8]

# As in the charts, and of middle lightness: seen on light and on dark panels, told apart by every eye.
_LOST, _ADDED = (58, 132, 190), (214, 92, 52)
# Grey levels between two pictures of a sheet.
_GAP = 2


@dataclass(frozen=True)
class Picture:
    """A picture as the page holds it.

    Attributes:
        uri: PNG as a `data:` URI.
        alt: What it shows, for those who cannot see it.
    """

    uri: str
    alt: str


def build_picture(image: Grey, alt: str) -> Picture:
    """A grey picture, uint8 (height, width), ink bright on dark as the codec sees it."""
    return Picture(_embed(Image.fromarray(image)), alt)


def build_difference(image: Grey, reconstruction: Grey, alt: str) -> Picture:
    """Where two pictures differ, uint8 (height, width) twice: blue ink was lost, red ink was added, clear is equal.

    Differences are drawn twice as strong as they are: those of a good codec are faint.
    """
    difference = reconstruction.astype(np.int16) - image
    painted = np.empty((*image.shape, 4), np.uint8)
    painted[..., :3] = np.where(difference[..., np.newaxis] < 0, _LOST, _ADDED)
    painted[..., 3] = np.minimum(2 * np.abs(difference), 255)
    painted[difference == 0] = 0  # one value for all that is clear makes a smaller file
    return Picture(_embed(Image.fromarray(painted)), alt)


def build_sheet(images: Images, columns: int, alt: str) -> Picture:
    """Many pictures as one, row by row: uint8 (n, 28, 28), n a multiple of `columns`, clear gaps between."""
    rows = len(images) // columns
    step = SIDE + _GAP
    sheet = np.zeros((rows * step - _GAP, columns * step - _GAP, 2), np.uint8)
    for place, image in enumerate(images):
        top, left = (place // columns) * step, (place % columns) * step
        sheet[top : top + SIDE, left : left + SIDE] = np.stack([image, np.full_like(image, 255)], axis=-1)
    return Picture(_embed(Image.fromarray(sheet)), alt)


def build_pictures(images: Images, alts: Sequence[str]) -> list[Picture]:
    """Several grey pictures, uint8 (n, 28, 28), each with its own words."""
    return [build_picture(image, alt) for image, alt in zip(images, alts, strict=True)]


def _embed(image: Image.Image) -> str:
    packed = io.BytesIO()
    image.save(packed, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(packed.getvalue()).decode("ascii")
