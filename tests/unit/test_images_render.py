"""PNG out: small files that every reader understands."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as npst
from PIL import Image
from support import pictures

from service.images import ImageLimits, decode_image, render_contact_sheet, render_png


@given(npst.arrays(np.uint8, (28, 28)))
def test_png_comes_back_unchanged(image: pictures.Grey) -> None:
    """Pillow and our own reader find the same pixels in a rendered image."""
    data = render_png(image)
    picture = Image.open(BytesIO(data))

    assert ("PNG", "L") == (picture.format, picture.mode)
    np.testing.assert_array_equal(image, np.asarray(picture))
    np.testing.assert_array_equal(image, decode_image(data, limits=ImageLimits(784), media_type="image/png"))


def test_png_of_a_digit_is_hardly_larger_than_pillow_makes_it() -> None:
    """Speed is not bought with size: MNIST's digits come out smaller, smooth enlarged ones 3 % larger."""
    digits = pictures.digits()
    ours, theirs = (sum(len(render(digit)) for digit in digits) for render in (render_png, _render_with_pillow))

    assert ours < 1.1 * theirs


def _render_with_pillow(digit: pictures.Grey) -> bytes:
    return pictures.encode(digit, "PNG")


@pytest.mark.parametrize(
    ("count", "columns", "size"),
    [(1, None, (28, 28)), (4, None, (57, 57)), (5, None, (86, 57)), (3, 2, (57, 57)), (3, 9, (86, 28))],
)
def test_contact_sheet_holds_every_image_in_order(count: int, columns: int | None, size: tuple[int, int]) -> None:
    """Row by row from the top left, one pixel apart, as square as can be; never wider than the images need."""
    images = np.stack([np.full((28, 28), 10 + index, np.uint8) for index in range(count)])
    sheet = Image.open(BytesIO(render_contact_sheet(images, columns)))
    per_row = (size[0] + 1) // 29

    assert size == sheet.size
    assert images[:, 0, 0].tolist() == [
        sheet.getpixel((29 * (index % per_row) + 14, 29 * (index // per_row) + 14)) for index in range(count)
    ]
