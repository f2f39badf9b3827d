"""preprocess=mnist: pictures of a digit come back as MNIST would have them."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import pictures

from service.images import ImageLimits, decode_image

LIMITS = ImageLimits(max_pixels=2**24)


def normalise(picture: Any, file_format: str = "PNG") -> pictures.Grey:
    """The picture sent as a file with preprocess=mnist."""
    return decode_image(pictures.encode(picture, file_format), limits=LIMITS, preprocess="mnist")


def difference(first: pictures.Grey, second: pictures.Grey) -> float:
    """Mean absolute difference in grey levels."""
    return float(np.abs(first.astype(int) - second).mean())


def enlarge(digit: pictures.Grey, factor: int = 5) -> pictures.Grey:
    """The digit `factor` times as large, off the middle of a larger page."""
    page: pictures.Grey = np.pad(np.kron(digit, np.ones((factor, factor), np.uint8)), ((30, 90), (60, 20)))
    return page


def tint(page: pictures.Grey, paper: int, ink: int) -> pictures.Grey:
    """The page with other levels for paper and ink."""
    return np.rint(paper + page / 255 * (ink - paper)).astype(np.uint8)


def colour(page: pictures.Grey) -> pictures.Rgb:
    """Blue ink on yellowish paper."""
    share = page[:, :, None] / 255
    return np.rint(np.array([250, 240, 200]) * (1 - share) + np.array([20, 30, 120]) * share).astype(np.uint8)


PAGES: dict[str, Callable[[pictures.Grey], pictures.Grey]] = {
    "enlarged": enlarge,
    "enlarged x20": lambda digit: enlarge(digit, 20),
    "inverted": lambda digit: 255 - enlarge(digit),
    "grey on grey": lambda digit: tint(enlarge(digit), 60, 200),
    "dark on bright": lambda digit: tint(enlarge(digit), 210, 40),
    "coloured": lambda digit: colour(enlarge(digit)),
    "speckled paper": lambda digit: np.clip(
        tint(enlarge(digit), 200, 20) + np.random.default_rng(7).normal(0, 4, enlarge(digit).shape), 0, 255
    ).astype(np.uint8),
}


@pytest.mark.parametrize("name", PAGES)
def test_page_gives_the_digit_that_is_on_it(name: str) -> None:
    """Size, place, polarity, tint and noise do not matter: 2 levels apart were measured, 15 for a shift by a pixel."""
    digits = pictures.digits(20)
    found = [difference(normalise(PAGES[name](digit)), normalise(digit)) for digit in digits]

    assert float(np.mean(found)) < 4


@pytest.mark.skipif("MNIST_DIR" not in os.environ, reason="MNIST_DIR is not set: no MNIST digits to compare with")
def test_mnist_digit_is_given_back_as_it_was() -> None:
    """MNIST's own digits, enlarged, come back in place: 2.1 levels apart were measured."""
    digits = pictures.digits()

    assert np.mean([difference(normalise(enlarge(digit)), digit) for digit in digits]) < 3
    assert np.mean([difference(normalise(digit), digit) for digit in digits]) < 1


def test_digit_is_centred_by_mass_and_fits() -> None:
    """The longer side is 20 pixels, and the centre of mass lies in the middle of pixel 14, as in MNIST."""
    page = np.zeros((300, 100), np.uint8)
    page[40:240, 30:50] = 255
    image = normalise(page)
    mass = image / image.sum()

    assert 20 == np.count_nonzero(image.any(axis=1))
    centre = [float((mass.sum(axis=axis) * np.arange(28)).sum()) for axis in (1, 0)]
    assert np.abs(np.array(centre) - 14).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_page_gives_a_blank_image(level: int) -> None:
    """Without ink there is nothing to crop: a blank image, which the score will call an anomaly."""
    assert not normalise(np.full((100, 60), level, np.uint8)).any()


def test_noisy_blank_page_gives_a_blank_image() -> None:
    """Noise of a few levels is not blown up to ink."""
    page = np.random.default_rng(7).normal(200, 3, (100, 60)).astype(np.uint8)

    assert not normalise(page).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (5000, 20)])
def test_any_shape_gives_28x28(shape: tuple[int, int]) -> None:
    """Pictures that hold no digit at all still give one image."""
    assert (28, 28) == normalise(pictures.ramp(*shape)).shape


def test_transparent_paper_takes_either_ink() -> None:
    """Black and white drawings on transparent paper give the same digit."""
    alpha = enlarge(pictures.digits(1)[0])
    black, white = (Image.fromarray(np.stack([np.full_like(alpha, ink), alpha], axis=-1)) for ink in (0, 255))

    np.testing.assert_array_equal(normalise(white), normalise(black))


def test_largest_photo_is_read() -> None:
    """A picture of the default limit is shrunk first, and its ink is still found."""
    page = np.full((4096, 4096), 220, np.uint8)
    page[1000:3000, 1900:2200] = 30

    assert normalise(page, "JPEG").max() == 255
