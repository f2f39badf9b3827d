"""Files that cannot be used, in the ways that happen."""

from pathlib import Path

WAYS = ("absent", "a folder", "no PEM")


def spoil(path: Path, how: str) -> None:
    """Make a good file unusable in one of the ways."""
    path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how == "no PEM":
        path.write_text("hello")
