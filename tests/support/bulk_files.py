"""Small inputs of every kind for bulk jobs, and the rows that must come of them."""

import tarfile
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from support.pictures import digits

from service.bulk.reading import Item, describe_failure, read_source
from service.bulk.sources import Source
from service.errors import DigitCodecError
from service.images import ImageLimits, decode_image, render_png

DECODE = partial(decode_image, limits=ImageLimits(2**20))
"""As the service reads image files by default."""


def png(index: int = 0) -> bytes:
    """A digit as a PNG file."""
    return render_png(digits()[index])


def write_tar(path: Path, members: dict[str, bytes], mode: Any = "w") -> Path:
    """A tar of files."""
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return path


def write_parquet(path: Path, column: pa.Array, name: str = "image", group_rows: int = 100) -> Path:
    """A Parquet file of one column."""
    parquet.write_table(pa.table({name: column}), path, row_group_size=group_rows)
    return path


def read_all(source: Source) -> list[tuple[str, int, Any]]:
    """What a source gives: file, row, and the image or what is wrong in its place."""
    return [(item.source, item.row, _read(item)) for item in read_source(source, DECODE)]


def _read(item: Item) -> Any:
    try:
        return item.read().tobytes()
    except (DigitCodecError, OSError) as error:
        return describe_failure(error)


def pixels(*indices: int) -> list[bytes]:
    """The pixels of digits."""
    return [np.ascontiguousarray(digits()[index]).tobytes() for index in indices]
