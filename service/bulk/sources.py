"""Sources: what one worker reads from its start to its end; and the list of them, written once for each job."""

from dataclasses import asdict, dataclass, fields
from io import BytesIO
from typing import Any, Literal

import orjson
import pyarrow as pa
from pyarrow import parquet

Kind = Literal["files", "tar", "parquet", "npy"]

_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("places", pa.list_(pa.string())),
        ("base", pa.string()),
        ("start", pa.int64()),
        ("rows", pa.int64()),
        ("group", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file, a part of one, or a few files.

    Attributes:
        kind: How it is read.
        places: The file; for `files` up to a shard's worth of them.
        base: What the names of `files` are relative to.
        start: Index of its first row within the file.
        rows: How many rows it has; -1 where only reading tells.
        group: Which row group of a Parquet file; -1 elsewhere.
    """

    kind: Kind
    places: tuple[str, ...]
    base: str = ""
    start: int = 0
    rows: int = -1
    group: int = -1


def render_plan(sources: list[Source]) -> bytes:
    """The list as a Parquet file."""
    stream = BytesIO()
    parquet.write_table(pa.Table.from_pylist([asdict(source) for source in sources], _SCHEMA), stream)
    return stream.getvalue()


def parse_plan(content: bytes) -> list[Source]:
    """The list that `render_plan` made."""
    return [_from_fields(row) for row in parquet.read_table(BytesIO(content)).to_pylist()]


def render_source(source: Source) -> bytes:
    """One of them, for its way to a worker."""
    return orjson.dumps(asdict(source))


def parse_source(content: bytes) -> Source:
    """What `render_source` made."""
    return _from_fields(orjson.loads(content))


def _from_fields(row: dict[str, Any]) -> Source:
    values = {field.name: row[field.name] for field in fields(Source)}
    return Source(**{**values, "places": tuple(values["places"])})
