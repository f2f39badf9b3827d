"""Rows of pixels -> images, by the service's one rule for numbers; a bad row harms no other."""

from collections.abc import Callable, Iterator
from functools import partial

from service.domain import Images, Rows
from service.errors import InvalidImageError
from service.images import to_images


def read_arrays(rows: Rows) -> Iterator[Callable[[], Images]]:
    """What makes the image of each row.

    Shapes: (n, 28, 28), (n, 28, 28, 1) or (n, 784) -> n times (28, 28). The calls raise InvalidImageError.
    """
    try:
        images = to_images(rows)
    except InvalidImageError:  # one of them, or all; each is looked at by itself
        yield from (partial(_read_one, row) for row in rows)
    else:
        yield from (partial(_take, images, index) for index in range(len(images)))


def _take(images: Images, index: int) -> Images:
    image: Images = images[index]
    return image


def _read_one(row: Rows) -> Images:
    return _take(to_images(row[None]), 0)
