"""What our Python files import from outside: neither Python's own modules nor ours."""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

# What is ours, and nothing beside it: virtual environments lie in the repository too.
AREAS = ("service", "training", "bench", "tests", "docs", "protos")


class Import(NamedTuple):
    """A name that is imported.

    Attributes:
        path: The importing file, relative to the repository.
        target: What is imported, with dots: a module, or a name in one.
    """

    path: str
    target: str


def find_imports(repository: Path, import_roots: Iterable[str]) -> set[Import]:
    """Every import from outside, wherever in a file it stands. Raises: SyntaxError if a file is no Python."""
    ours = {entry.stem for root in import_roots for entry in (repository / root).iterdir()}
    known = ours | sys.stdlib_module_names
    return {
        Import(path.relative_to(repository).as_posix(), target)
        for area in AREAS
        for path in (repository / area).rglob("*.py")
        for target in read_targets(path.read_text())
        if target.partition(".")[0] not in known
    }


def read_targets(source: str) -> Iterator[str]:
    """What a file imports by an absolute name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
