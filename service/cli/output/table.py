"""Rows for people: a table, and pictures drawn with characters."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from service.cli.engines import Operation
from service.cli.output.fields import WITH_PICTURES, show_source
from service.cli.rows import Row
from service.domain import IMAGE_SIDE, Images

_SHOWN_NUMBERS = 6
# From no ink to full ink. A character is twice as high as wide, so that each stands for two pixels.
_INK = np.array(list(" .:-=+*#%@"))
_GAP = "   "

_Cells = Callable[[Row], list[str]]


def render_table(rows: Sequence[Row], operation: Operation) -> str:
    """A line for each row below a heading, and below each the pictures that the operation makes."""
    arrays = {row.file for row in rows if row.row}
    head, describe = _COLUMNS[operation]
    has_notes = any(row.note for row in rows)
    cells = [["image", *head, *(["note"] if has_notes else [])]]
    for row in rows:
        name = show_source(row, has_rows=row.file in arrays)
        answered = [f"{row.reason}: {row.problem}"] if row.reason else describe(row)
        cells.append([name, *answered, *([row.note] if has_notes and not row.reason else [])])
    lines = _align(cells)
    if operation not in WITH_PICTURES:
        return "".join(f"{line}\n" for line in lines)
    drawn = [f"{line}\n{_draw(row)}" for line, row in zip(lines[1:], rows, strict=True)]
    return "\n".join([f"{lines[0]}\n", *drawn])


def align(cells: Sequence[Sequence[str]]) -> str:
    """A table: its first line is the heading."""
    return "".join(f"{line}\n" for line in _align(cells))


def _align(cells: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as the widest of their cells; the last cell of a line may be as long as it is."""
    widths = [0] * max(map(len, cells))
    for line in cells:
        for column, cell in enumerate(line[:-1]):
            widths[column] = max(widths[column], len(cell))
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip() for line in cells]


def _describe_code(row: Row) -> list[str]:
    if row.code is None:
        return [""]
    shown = " ".join(f"{number:7.3f}" for number in row.code[:_SHOWN_NUMBERS])
    more = len(row.code) - _SHOWN_NUMBERS
    return [f"{shown} and {more} more" if more > 0 else shown]


def _describe_verdict(row: Row) -> list[str]:
    return [f"{row.error:.6f}", f"{row.anomaly_score:.6f}", "anomaly" if row.anomaly else "normal"]


def _describe_picture(row: Row) -> list[str]:
    return [f"version {row.version}"]


_VERDICT = ("error", "score", "verdict")
_COLUMNS: Mapping[Operation, tuple[tuple[str, ...], _Cells]] = MappingProxyType(
    {
        "encode": (("code",), _describe_code),
        "decode": (("model",), _describe_picture),
        "score": (_VERDICT, _describe_verdict),
        "reconstruct": (_VERDICT, _describe_verdict),
    }
)


def _draw(row: Row) -> str:
    """The pictures of a row side by side: what came, if that was an image, and what the model made."""
    pictures = [_draw_image(picture) for picture in (row.image, row.picture) if picture is not None]
    lines = [_GAP.join(line).rstrip() for line in zip(*pictures, strict=True)]
    return "".join(f"{line}\n" for line in lines)


def _draw_image(image: Images) -> list[str]:
    """14 lines of 28 characters."""
    levels = image.reshape(IMAGE_SIDE // 2, 2, IMAGE_SIDE).mean(axis=1)
    return ["".join(line) for line in _INK[np.rint(levels / 255 * (len(_INK) - 1)).astype(int)]]
