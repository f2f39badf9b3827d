"""Items -> shards: the unit of work, and what a part of the output is made of."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import pyarrow as pa

from service.bulk.output import PartName
from service.bulk.reading import Item, describe_failure
from service.domain import IMAGE_BYTES, IMAGE_SIDE, Flags, Images
from service.errors import DigitCodecError

SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("name", pa.string()),
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("problem", pa.string()),
        ("pixels", pa.binary(IMAGE_BYTES)),
    ]
)


@dataclass(frozen=True, slots=True)
class Shard:
    """At most so many rows of one source, decoded.

    Attributes:
        part: Which part they become.
        table: Of SCHEMA; a row has pixels, or a reason and a problem.
    """

    part: PartName
    table: pa.Table

    def is_good(self) -> Flags:
        """True for the rows that have pixels, (n,)."""
        flags: Flags = self.table["pixels"].is_valid().to_numpy()
        return flags

    def images(self) -> Images:
        """The pictures of the good rows, uint8 (good, 28, 28)."""
        pixels = b"".join(self.table["pixels"].drop_null().to_pylist())
        return np.frombuffer(pixels, np.uint8).reshape(-1, IMAGE_SIDE, IMAGE_SIDE)


def cut_shards(items: Iterator[Item], source: int, shard_rows: int, done: AbstractSet[int]) -> Iterator[Shard]:
    """Shards of a source, in order; those that are done are passed over without being decoded.

    A source without items has one shard without rows, so that every source has a last one.
    """
    chunk, first = 0, next(items, None)
    while chunk == 0 or first is not None:
        here = islice(chain([first], items), shard_rows) if first is not None else iter(())
        if chunk in done:
            for _ in here:
                pass
            first = next(items, None)
        else:
            rows = _decode_all(here)
            first = next(items, None)  # only the next item tells that this shard is not the last
            yield Shard(PartName(source, chunk, first is None), rows)
        chunk += 1


def _decode_all(items: Iterator[Item]) -> pa.Table:
    columns: tuple[list[object], ...] = ([], [], [], [], [], [])
    for item in items:
        for column, value in zip(columns, _decode(item), strict=True):
            column.append(value)
    return pa.table(list(columns), SCHEMA)


def _decode(item: Item) -> Sequence[object]:
    try:
        pixels = item.read().tobytes()
    except (DigitCodecError, OSError) as error:
        return item.source, item.name, item.row, *describe_failure(error), None
    return item.source, item.name, item.row, None, None, pixels
