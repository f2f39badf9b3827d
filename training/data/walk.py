"""Folder -> the files below it; opens none of them."""

import os
from pathlib import Path
from typing import NamedTuple

from training.data.facts import SkippedFile


class FoundFile(NamedTuple):
    """A file below a folder.

    Attributes:
        path: Where to read it.
        name: Where it is below the folder, for people: with `/`, and free of bytes that cannot be printed.
    """

    path: Path
    name: str


def find_files(folder: Path) -> tuple[list[FoundFile], list[SkippedFile]]:
    """Every file below a folder, in the order of the paths, and every folder that cannot be listed.

    Hidden files and folders, whose names begin with a dot, are ignored. Links are followed; a folder that several
    paths lead to is visited once, so that a link to a folder above it does no harm.
    """
    files: list[FoundFile] = []
    refusals: list[OSError] = []
    visited: set[tuple[int, int]] = set()
    for parent, folders, names in os.walk(folder, onerror=refusals.append, followlinks=True):
        status = Path(parent).stat()
        if (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
        files += [FoundFile(path, name_below(folder, path)) for path in paths]
    return files, [_skip(folder, refusal) for refusal in refusals]


def name_below(folder: Path, path: Path) -> str:
    """The path below a folder, with `/`, as text that every terminal and JSON file can hold."""
    return path.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()


def _skip(folder: Path, refusal: OSError) -> SkippedFile:
    detail = f"the folder cannot be listed: {refusal.strerror}"
    return SkippedFile(name_below(folder, Path(refusal.filename)), "unreadable", detail)
