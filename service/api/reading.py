"""Rows of a request that may still have to be decoded: how image files are read, and in which thread."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from service import images
from service.api.bulk import BulkExecutor
from service.domain import Deadline, Rows, Timings
from service.errors import DigitCodecError, Fault, PayloadTooLargeError

# So many faults tell a caller what is wrong with a thousand images.
MAX_FAULTS = 16

# What is larger goes to the bulk executor, so that small requests never wait for a large one's parsing.
INLINE_BYTES = 64 * 2**10
INLINE_ROWS = 64
# 256x256 pixels: about 2 ms of the event loop, measured with noisy pictures in every format.
INLINE_PIXELS = 2**16
# Notes on a picture take 0.15 ms.
INLINE_NOTES = 8

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class ReadContext(NamedTuple):
    """What reading a request's rows depends on beside its bytes.

    Attributes:
        preprocess: How strange image files are treated.
        max_rows: Most rows that a request may have.
        limits: What the image files may take.
        deadline: When the caller's time is up.
        content_type: What the caller says of the bytes, where it says that once for all; empty where it does not.
    """

    preprocess: images.Preprocess
    max_rows: int
    limits: images.ImageLimits
    deadline: Deadline
    content_type: bytes = b""


class UndecodedRows(NamedTuple):
    """Rows of which all is known but what their pixels are.

    Attributes:
        decode: Makes the rows; raises what is still wrong with them, or DeadlineExceededError between two images.
        images: Number of images to be decoded one by one; 0 where the rows come as one array.
        pixels: What the headers of their files promise, all together.
    """

    decode: Callable[[], Rows]
    images: int = 0
    pixels: int = 0


async def run_by_size(parse: Callable[[], _Out], size_bytes: int, bulk: BulkExecutor, timings: Timings) -> _Out:
    """Parse what came: here if that is quick, else on the bulk executor; the time is noted."""
    began_s = time.perf_counter()
    try:
        return parse() if size_bytes <= INLINE_BYTES else await bulk.run(parse)
    finally:
        timings.note_decoded(began_s)


async def read_rows(
    parse: Callable[[], UndecodedRows],
    size_bytes: int,
    preprocess: images.Preprocess,
    bulk: BulkExecutor,
    timings: Timings,
) -> Rows:
    """Parse and decode: here if that is quick, else on the bulk executor.

    Args:
        parse: Looks into what came.
        size_bytes: How much that is.
        preprocess: How strange image files are treated.
        bulk: Takes turns with large requests.
        timings: Take note of the time.
    """
    began_s = time.perf_counter()
    try:
        if size_bytes > INLINE_BYTES:
            return await bulk.run(lambda: parse().decode())
        rows = parse()
        return rows.decode() if _is_quick(rows, preprocess) else await bulk.run(rows.decode)
    finally:
        timings.note_decoded(began_s)


async def render_rows(render: Callable[[], _Out], rows: int, bulk: BulkExecutor) -> _Out:
    """Render an answer of so many rows: here if that is quick, else on the bulk executor."""
    return render() if rows <= INLINE_ROWS else await bulk.run(render)


def _is_quick(rows: UndecodedRows, preprocess: images.Preprocess) -> bool:
    """A small file may hold millions of pixels, so its header decides where it is decoded.

    `mnist` takes some 3 ms for a picture however small it is.
    """
    return rows.pixels <= INLINE_PIXELS and not (preprocess == "mnist" and rows.images)


def open_file(data: bytes, media_type: str | None, context: ReadContext) -> images.UndecodedImage:
    """Read the header of one image file; see `images.open_image`."""
    return images.open_image(data, limits=context.limits, preprocess=context.preprocess, media_type=media_type)


def open_files(files: Sequence[bytes], context: ReadContext) -> UndecodedRows:
    """Read the header of each image file, before any of them is decoded.

    Raises:
        PayloadTooLargeError: If there are too many, or they promise more pixels than the limit.
        DigitCodecError: What is wrong with the first that is at fault; `faults` holds the places of all.
    """
    if len(files) > context.max_rows:
        raise PayloadTooLargeError(f"{len(files)} images came, the limit is {context.max_rows}")
    return open_all(files, partial(open_file, media_type=None, context=context), context)


def open_all(
    items: Sequence[_In], open_one: Callable[[_In], images.UndecodedImage], context: ReadContext
) -> UndecodedRows:
    """Read the header of each image before any of them is decoded."""
    opened = _map_all(open_one, items, context.deadline)
    pixels = sum_pixels(opened, context)
    return UndecodedRows(
        lambda: np.stack(_map_all(lambda image: image.decode(), opened, context.deadline)), len(opened), pixels
    )


def sum_pixels(opened: list[images.UndecodedImage], context: ReadContext) -> int:
    """Pixels of all files together.

    Raises:
        PayloadTooLargeError: If that is more than the limit.
    """
    pixels = sum([image.pixels for image in opened])
    if pixels > context.limits.max_pixels:
        raise PayloadTooLargeError(
            f"image files of {pixels} pixels together came, the limit of a request is {context.limits.max_pixels}"
        )
    return pixels


def _map_all(step: Callable[[_In], _Out], items: Sequence[_In], deadline: Deadline) -> list[_Out]:
    """Do one step with each image, and report the places of all that fail, up to a limit.

    The error is of the first failure's class. Between two images the deadline is looked at, so that no thread works
    on for a caller whose time is up.
    """
    results: list[_Out] = []
    failures: list[tuple[int, DigitCodecError]] = []
    for index, item in enumerate(items):
        deadline.check()
        try:
            results.append(step(item))
        except DigitCodecError as error:
            failures.append((index, error))
            if len(failures) == MAX_FAULTS:
                break
    if failures:
        _raise_all(failures)
    return results


def _raise_all(failures: list[tuple[int, DigitCodecError]]) -> None:
    index, first = failures[0]
    faults = tuple(
        Fault(f"/images/{index}{error.faults[0].pointer if error.faults else ''}", error.detail)
        for index, error in failures
    )
    raise type(first)(f"image {index}: {first.detail}", faults=faults) from first
