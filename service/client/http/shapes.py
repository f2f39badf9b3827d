"""Whether arrays in replies have the rows that were asked for."""

from typing import Any

from numpy.typing import NDArray

from service.domain import IMAGE_SIDE


def check_rows(array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Refuse another shape.

    Raises:
        ValueError: If it has one.
    """
    if array.shape != shape:
        raise ValueError(f"an array of shape {array.shape} came, expected {shape}")


def check_images(images: NDArray[Any], rows: int) -> None:
    """Refuse what is not (rows, 28, 28), by ValueError."""
    check_rows(images, (rows, IMAGE_SIDE, IMAGE_SIDE))


def check_codes(codes: NDArray[Any], rows: int) -> None:
    """Refuse what is not (rows, any width), by ValueError."""
    check_rows(codes, (rows, *codes.shape[-1:]))
