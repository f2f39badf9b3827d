"""What a row is called in every output; the names are those of `digitcodec bulk`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from service.cli.engines import Operation
from service.cli.rows import Row

_VERDICT = ("error", "anomaly_score", "anomaly")

FIELDS = MappingProxyType[Operation, tuple[str, ...]](
    {
        "encode": ("code",),
        "decode": ("image",),
        "score": _VERDICT,
        "reconstruct": (*_VERDICT, "reconstruction"),
    }
)
"""What is answered, by name."""

PICTURES = frozenset({"image", "reconstruction"})
"""Those of them that are pictures."""

WITH_PICTURES = frozenset(operation for operation, names in FIELDS.items() if PICTURES & set(names))
"""The operations that make some."""


def read_fields(row: Row, operation: Operation) -> dict[str, Any]:
    """The fields of a row in the order of the columns: as numpy has them, None or empty for what there is not."""
    answered = {name: _read(row, name) for name in FIELDS[operation]}
    leading = {"source": row.file.shown, "row": row.row, "version": row.version}
    return {**leading, **answered, "note": row.note, "reason": row.reason, "problem": row.problem}


def drop_absent(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Only the fields that say something."""
    return {name: value for name, value in fields.items() if value is not None and not (name in _TEXTS and not value)}


def show_source(row: Row, *, has_rows: bool) -> str:
    """How people are told of a row.

    Args:
        row: The row.
        has_rows: Whether its file has several.
    """
    return f"{row.file.shown}[{row.row}]" if has_rows else row.file.shown


_TEXTS = frozenset({"note", "reason", "problem"})


def _read(row: Row, name: str) -> Any:
    return row.picture if name in PICTURES else getattr(row, name)
