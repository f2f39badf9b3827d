"""Rows -> PNG files: all pictures on one sheet, or each in a file of its own below a folder."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from service.cli.errors import CliError
from service.cli.output.whole import write_whole
from service.cli.rows import Row
from service.images import render_contact_sheet, render_png


def render_sheet(rows: Sequence[Row]) -> bytes:
    """All pictures on one PNG, in their order, as square as it can be.

    Raises:
        CliError: If there is none.
    """
    pictures = [row.picture for row in rows if row.picture is not None]
    if not pictures:
        raise CliError("no image could be read, so there is no picture to write")
    return render_contact_sheet(np.stack(pictures))


def write_pictures(rows: Sequence[Row], folder: Path) -> int:
    """A PNG for each picture, named after what it was made of; the number of files.

    Raises:
        CliError: If two would have one name; nothing is written then.
        OSError: If one cannot be written.
    """
    arrays = {row.file for row in rows if row.row}
    made = [(_name(row, has_rows=row.file in arrays), row) for row in rows if row.picture is not None]
    twice = next((name for name, count in Counter(name for name, _ in made).items() if count > 1), None)
    if twice is not None:
        raise CliError(f"two images would be written to {folder / twice}: name the folder above both instead of files")
    for name, row in made:
        if row.picture is not None:
            write_whole(folder / name, render_png(row.picture))
    return len(made)


def _name(row: Row, *, has_rows: bool) -> str:
    """A path below the folder: `a/b.png`; `b.jpg` becomes `b.jpg.png`; row 3 of `c.npy` becomes `c-000003.png`."""
    path = PurePosixPath(row.file.name)
    if has_rows or path.suffix == ".npy":
        path = path.with_name(f"{path.stem}-{row.row:06d}.png")
    return str(path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png"))
