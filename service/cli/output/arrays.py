"""Rows -> .npy and .npz; they hold the rows that were answered, in order, for numbers have no place for the others."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from types import MappingProxyType
from typing import Any

import numpy as np

from service.cli.engines import Operation
from service.cli.rows import Row
from service.domain import IMAGE_SIDE, Rows
from service.images import render_npy


def render_array(rows: Sequence[Row], operation: Operation) -> bytes:
    """The one array that matters most, as .npy.

    `encode`: float32 (n, code_dim); `score`: anomaly scores, float32 (n,); the others: pictures, uint8 (n, 28, 28).
    """
    first = next(iter(_ARRAYS[operation]))
    return render_npy(_collect(_answered(rows), operation)[first])


def render_arrays(rows: Sequence[Row], operation: Operation) -> bytes:
    """All that was answered, by name, as .npz; with `source`, `row` and `version`, with which `decode` reads codes."""
    answered = _answered(rows)
    stream = BytesIO()
    leading = {
        "source": np.array([row.file.shown for row in answered], np.str_),
        "row": np.array([row.row for row in answered], np.int64),
        "version": np.array([row.version for row in answered], np.int64),
    }
    np.savez(stream, allow_pickle=False, **leading, **_collect(answered, operation))
    return stream.getvalue()


def _answered(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not row.reason]


def _collect(rows: Sequence[Row], operation: Operation) -> dict[str, Rows]:
    """Arrays of all rows, each with a row for each."""
    arrays = {}
    for name, (dtype, shape, read) in _ARRAYS[operation].items():
        arrays[name] = np.stack([read(row) for row in rows]) if rows else np.empty((0, *shape), dtype)
    return arrays


_Kind = tuple[type[np.generic], tuple[int, ...], Callable[[Row], Any]]
_PICTURE = (IMAGE_SIDE, IMAGE_SIDE)


def _read_picture(row: Row) -> Any:
    return row.picture


def _read_code(row: Row) -> Any:
    return row.code


_VERDICT: dict[str, _Kind] = {
    "anomaly_scores": (np.float32, (), lambda row: np.float32(row.anomaly_score or 0)),
    "errors": (np.float32, (), lambda row: np.float32(row.error or 0)),
    "anomalies": (np.bool_, (), lambda row: np.bool_(row.anomaly)),
}
_ARRAYS: Mapping[Operation, Mapping[str, _Kind]] = MappingProxyType(
    {
        "encode": {"codes": (np.float32, (0,), _read_code)},
        "decode": {"images": (np.uint8, _PICTURE, _read_picture)},
        "score": _VERDICT,
        "reconstruct": {"reconstructions": (np.uint8, _PICTURE, _read_picture), **_VERDICT},
    }
)
