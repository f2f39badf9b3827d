"""Rows -> .csv, .jsonl and .parquet; every row of the input has one, the unreadable ones with a reason."""

import csv
from collections.abc import Sequence
from importlib.util import find_spec
from io import BytesIO, StringIO
from typing import Any

import numpy as np

from service.cli.engines import Operation
from service.cli.errors import UsageError
from service.cli.output.fields import FIELDS, PICTURES, read_fields
from service.cli.output.lines import render_line
from service.cli.rows import Row
from service.images import render_png

_TEXTS = ("note", "reason", "problem")


def render_csv(rows: Sequence[Row], operation: Operation) -> bytes:
    """A heading and a line for each row. A code takes a column for each of its numbers; pictures are left out."""
    width = max((len(row.code) for row in rows if row.code is not None), default=0)
    stream = StringIO()
    table = csv.writer(stream, lineterminator="\n")
    names = [name for name in FIELDS[operation] if name not in PICTURES | {"code"}]
    table.writerow(["source", "row", "version", *(f"code_{index}" for index in range(width)), *names, *_TEXTS])
    for row in rows:
        fields = read_fields(row, operation)
        code = [""] * width if row.code is None else row.code
        cells = [
            fields["source"],
            fields["row"],
            fields["version"],
            *code,
            *(fields[name] for name in (*names, *_TEXTS)),
        ]
        table.writerow([_show(cell) for cell in cells])
    return stream.getvalue().encode()


def render_lines(rows: Sequence[Row], operation: Operation) -> bytes:
    """A line of JSON for each row."""
    return "".join(render_line(row, operation) for row in rows).encode()


def check_parquet() -> None:
    """Refuse what cannot be written later.

    Raises:
        UsageError: If pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise UsageError(
            "pyarrow, which writes .parquet, is not installed: pip install 'digitcodec[bulk]', or use .csv"
        )


def render_parquet(rows: Sequence[Row], operation: Operation) -> bytes:
    """A column for each field; codes are lists of float32, pictures PNG files, and what there is not is null."""
    import pyarrow as pa
    from pyarrow import parquet

    table = [read_fields(row, operation) for row in rows]
    kinds = {
        "source": pa.string(),
        "row": pa.int64(),
        "version": pa.int32(),
        "code": pa.list_(pa.float32()),
        "error": pa.float32(),
        "anomaly_score": pa.float32(),
        "anomaly": pa.bool_(),
        **dict.fromkeys(PICTURES, pa.binary()),
        **dict.fromkeys(_TEXTS, pa.string()),
    }
    names = ("source", "row", "version", *FIELDS[operation], *_TEXTS)
    columns = {name: pa.array([_convert(fields[name], name) for fields in table], kinds[name]) for name in names}
    stream = BytesIO()
    parquet.write_table(pa.table(columns), stream, compression="zstd")
    return stream.getvalue()


def _convert(value: Any, name: str) -> Any:
    if value is None or (name in _TEXTS and not value):
        return None
    return render_png(value) if name in PICTURES else value


def _show(cell: Any) -> str:
    """As JSON writes it; numbers with as many digits as float32 needs."""
    if cell is None:
        return ""
    return str(cell).lower() if isinstance(cell, bool | np.bool_) else str(cell)
