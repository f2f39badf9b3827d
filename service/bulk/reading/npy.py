"""npy files of images: a run of rows is read by its place in the file, without the rest."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from service.bulk.places import Place, find_place, show_place
from service.bulk.reading.arrays import read_arrays
from service.bulk.reading.items import Decode, Item, UnreadableError, fail_item
from service.bulk.sources import Source
from service.domain import IMAGE_BYTES

_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
# What numpy lets through of Python's parser, for a header that is no literal of it.
_NO_HEADER = (ValueError, TypeError, LookupError, SyntaxError, TokenError, RecursionError, MemoryError)
_TOLD_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What a npy file says of itself.

    Attributes:
        rows: Number of images.
        whole_rows: Those of them that the file is long enough for.
        shape: Of one image.
        dtype: Of a pixel.
        offset: Where the pixels begin, in bytes.
    """

    rows: int
    whole_rows: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int


def read_npy_header(place: Place) -> NpyHeader:
    """Look at the beginning of a npy file.

    Raises:
        UnreadableError: If it is no npy file of images whose rows lie one behind the other.
        OSError: If it cannot be opened.
    """
    with place.system.open_input_file(place.path) as file:
        try:
            version = npy_format.read_magic(file)
            if version not in _READERS:
                raise UnreadableError(f"the npy file is of version {version}, expected 1.0 or 2.0")
            shape, is_fortran, dtype = _READERS[version](file)
        except _NO_HEADER as error:
            told = str(error)[:_TOLD_CHARACTERS]
            raise UnreadableError(f"the npy header cannot be read: {told}") from error
        _check(shape, dtype, is_fortran=is_fortran)
        offset = file.tell()
        whole_rows = (file.size() - offset) // (IMAGE_BYTES * dtype.itemsize)
    return NpyHeader(shape[0], min(shape[0], whole_rows), shape[1:], dtype, offset)


def _check(shape: tuple[int, ...], dtype: np.dtype[Any], *, is_fortran: bool) -> None:
    if is_fortran and len(shape) > 1:
        raise UnreadableError("the npy file is in Fortran order, of which rows cannot be read apart, expected C order")
    is_image = len(shape) > 1 and min(shape) >= 0 and math.prod(shape[1:]) == IMAGE_BYTES
    if dtype.kind not in "iuf" or not is_image:
        raise UnreadableError(f"the npy file holds {dtype} {shape}, expected numbers (n, 28, 28) or (n, 784)")


def read_npy(source: Source, decode: Decode) -> Iterator[Item]:  # noqa: ARG001 - pixels, nothing to decode
    """An item for each row of the source; where the file ends too early, one that says so."""
    (place,) = source.places
    shown = show_place(place)
    try:
        array = _read_rows(find_place(place), source)
    except OSError as error:
        yield fail_item(shown, source.start, error)
        return
    for index, read in enumerate(read_arrays(array), source.start):
        yield Item(shown, f"{index:09d}", index, read)
    if len(array) < source.rows:
        found = UnreadableError(f"the npy file ends after {source.start + len(array)} rows, its header says more")
        yield fail_item(shown, source.start + len(array), found)


def _read_rows(place: Place, source: Source) -> Any:
    header = read_npy_header(place)
    row_bytes = IMAGE_BYTES * header.dtype.itemsize
    with place.system.open_input_file(place.path) as file:
        file.seek(header.offset + source.start * row_bytes)
        content = file.read(source.rows * row_bytes)
    whole = len(content) // row_bytes
    return np.frombuffer(content, header.dtype, whole * IMAGE_BYTES).reshape(whole, *header.shape)
