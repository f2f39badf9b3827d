"""Parquet files with a column `image`: image files, Hugging Face's struct of them, or lists of 784 numbers."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from service.bulk.places import Place, find_place, show_place
from service.bulk.reading.arrays import read_arrays
from service.bulk.reading.items import Decode, Item, UnreadableError, decode_file, fail_item
from service.bulk.sources import Source
from service.domain import IMAGE_BYTES, Images
from service.errors import InvalidImageError
from service.images import to_images

COLUMN = "image"
# Rows that are held as Python objects at the same time.
_BATCH_ROWS = 1024
_FILES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)


def read_parquet_groups(place: Place) -> list[int]:
    """Number of rows of each row group.

    Raises:
        UnreadableError: If it is no Parquet file, or has no column `image`.
        OSError: If it cannot be opened.
    """
    with place.system.open_input_file(place.path) as file, _open(file) as table:
        metadata = table.metadata
        return [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]


def read_parquet(source: Source, decode: Decode) -> Iterator[Item]:
    """An item for each row of a row group; where it cannot be read on, one that says so."""
    (place,) = source.places
    target, shown, row = find_place(place), show_place(place), source.start
    try:
        with target.system.open_input_file(target.path) as file, _open(file) as table:
            groups = range(table.num_row_groups) if source.group < 0 else [source.group]
            for batch in table.iter_batches(_BATCH_ROWS, row_groups=groups, columns=[COLUMN]):
                for read in _read_column(batch.column(0), decode):
                    yield Item(shown, f"{row:09d}", row, read)
                    row += 1
    except FileNotFoundError as error:
        yield fail_item(shown, row, error)
    except (OSError, pa.ArrowException) as error:
        yield fail_item(shown, row, UnreadableError(f"the Parquet file cannot be read on: {error}"))


def _open(file: Any) -> parquet.ParquetFile:
    try:
        table = parquet.ParquetFile(file)
    except pa.ArrowException as error:
        raise UnreadableError(f"the Parquet file cannot be read: {error}") from error
    if COLUMN not in table.schema_arrow.names:
        raise UnreadableError(
            f"the Parquet file has the columns {table.schema_arrow.names}, expected one named {COLUMN}"
        )
    return table


def _read_column(column: Any, decode: Decode) -> Iterator[Callable[[], Images]]:
    if pa.types.is_struct(column.type) and column.type.get_field_index("bytes") >= 0:
        column = column.field("bytes")
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if any(is_kind(column.type) for is_kind in _FILES):
        yield from (partial(_read_file, value, decode) for value in column)
    elif (rows := _find_rows(column)) is not None:
        yield from read_arrays(rows)
    else:
        yield from (partial(_read_list, value) for value in column)


def _find_rows(column: Any) -> Any:
    """A column of lists of 784 numbers as one array (n, 784); None if it is not as even as that."""
    if not pa.types.is_list(column.type) and not pa.types.is_fixed_size_list(column.type):
        return None
    flat = column.flatten()
    is_even = not column.null_count and not flat.null_count and set(column.value_lengths().to_pylist()) == {IMAGE_BYTES}
    is_number = pa.types.is_integer(flat.type) or pa.types.is_floating(flat.type)
    return flat.to_numpy().reshape(-1, IMAGE_BYTES) if is_even and is_number else None


def _read_file(value: Any, decode: Decode) -> Images:
    content = value.as_py()
    if content is None:
        raise InvalidImageError("the row holds null, expected an image file")
    return decode_file(content, decode)


def _read_list(value: Any) -> Images:
    pixels = value.as_py()
    if pixels is None:
        raise InvalidImageError("the row holds null, expected 784 numbers")
    try:
        array = np.asarray(pixels)
    except ValueError as error:
        raise InvalidImageError("the row is ragged, expected 784 numbers") from error
    image: Images = to_images(array[None])[0]
    return image
