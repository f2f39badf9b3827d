"""How images are put together to requests, and PIL images made files."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.fakes import count_images

from service.client import InvalidImageError
from service.client.asks import Files, Packed
from service.client.images import Gatherer, ImagesLike, read_loads
from service.client.images import count_images as tell_count
from service.images import render_png

IMAGES = count_images(10)


def read(images: ImagesLike, max_rows: int = 4, preprocess: Any = "strict") -> list[Packed | Files]:
    """The requests of images."""
    return list(read_loads(images, Gatherer(preprocess, max_rows)))


@pytest.mark.parametrize("parts", [[10], [1] * 10, [3, 4, 3], [2, 8], [7, 3]])
def test_requests_are_full_whatever_the_parts(parts: list[int]) -> None:
    """Arrays are cut and joined, and none is lost."""
    loads = read(np.split(IMAGES, np.cumsum(parts)[:-1]))

    assert [4, 4, 2] == [len(load) for load in loads]
    np.testing.assert_array_equal(IMAGES, np.concatenate([load.images for load in loads if isinstance(load, Packed)]))


def test_full_request_does_not_wait_for_the_next_image() -> None:
    """Whoever brings images slowly gets answers as soon as there is enough for one."""
    gatherer = Gatherer("strict", 2)
    given = [list(gatherer.add(image)) for image in IMAGES[:3]]

    assert [0, 1, 0] == [len(loads) for loads in given]


def test_requests_stay_within_their_rows_beside_large_files() -> None:
    """A request that the bytes of a file have filled goes before the rows of an array."""
    loads = read([bytes([1]) * (8 * 2**20), np.concatenate([IMAGES, IMAGES])], max_rows=8)

    assert 21 == sum(len(load) for load in loads)
    assert max(len(load) for load in loads) <= 8


def test_array_of_uint8_is_not_copied() -> None:
    """It is as large as callers have it."""
    (load,) = read(IMAGES, max_rows=10)

    assert isinstance(load, Packed)
    assert np.shares_memory(IMAGES, load.images)


def test_pixels_beside_files_become_files() -> None:
    """A request has one kind; the order is kept."""
    first, second, last = (render_png(image) for image in (IMAGES[0], IMAGES[1], IMAGES[2]))

    assert [Files((first, second, last))] == read([first, IMAGES[1], last])


def test_large_files_go_in_requests_of_their_own() -> None:
    """Together they may have 8 MiB."""
    large, small = bytes([1]) * (5 * 2**20), b"2"

    assert [1, 2, 1] == [len(load) for load in read([large, large, small, large])]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"])
def test_every_mode_of_pil_becomes_a_file(mode: str) -> None:
    """Those that PNG does not have become RGB."""
    (load,) = read(Image.fromarray(IMAGES[3]).convert(mode))

    assert isinstance(load, Files)
    (file,) = load.files
    assert ("PNG", (28, 28)) == ((opened := Image.open(BytesIO(file))).format, opened.size)


def test_mnist_parts_arrays_by_their_shape() -> None:
    """Many images of 28x28, or one picture of another size, grey or coloured."""
    shapes = [(3, 28, 28), (40, 30), (40, 30, 3), (40, 30, 4), (28, 28)]
    counts = [[len(load) for load in read(np.zeros(shape, np.uint8), preprocess="mnist")] for shape in shapes]

    assert [[3], [1], [1], [1], [1]] == counts


@pytest.mark.parametrize("shape", [(40,), (40, 30, 2), (2, 2, 2, 2), (0, 30)])
def test_mnist_refuses_other_arrays(shape: tuple[int, ...]) -> None:
    """By name of the shape."""
    with pytest.raises(InvalidImageError, match=r"got an array of shape \("):
        read(np.zeros(shape, np.uint8), preprocess="mnist")


@pytest.mark.parametrize(
    ("images", "count"),
    [(IMAGES, 10), (IMAGES[0], 1), (Path("a.png"), 1), (b"file", 1), ([IMAGES[0], "b"], 2), (iter([]), None)],
)
def test_images_are_counted_for_the_progress(images: Any, count: int | None) -> None:
    """As far as it is known without going through them."""
    assert count == tell_count(images)
