"""What the command line names -> files, in order; opens none of them."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from service.cli.errors import UsageError
from service.images import ENDINGS

STDIN = "-"

_WILDCARD = re.compile(r"[*?[]")
# What is taken from a folder. A file that is named itself may have any ending: its content tells.
_ENDINGS = (*ENDINGS, ".npy")
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".parquet", ".parq")


class InputFile(NamedTuple):
    """A file to be read.

    Attributes:
        path: Where it is; `-` is standard input.
        name: Relative to the folder that led to it, else its last part.
    """

    path: str
    name: str

    @property
    def shown(self) -> str:
        """As messages and tables name it; bytes of a name that are no text are shown as numbers."""
        return os.fsencode(self.path).decode(errors="backslashreplace")


def find_files(inputs: Sequence[str]) -> list[InputFile]:
    """The files of all inputs, in their order; those of a folder or glob in the order of their names.

    Raises:
        UsageError: If an input is not there, holds no image, is an archive, or is standard input a second time.
    """
    if inputs.count(STDIN) > 1:
        raise UsageError("standard input (-) is named twice, it can be read once")
    return [file for given in inputs for file in _find(given)]


def _find(given: str) -> list[InputFile]:
    if given == STDIN:
        return [InputFile(STDIN, "stdin")]
    if Path(given).exists():
        paths = [Path(given)]
    elif _WILDCARD.search(given):
        paths = [Path(match) for match in sorted(glob.glob(given, recursive=True))]  # noqa: PTH207 - Path.glob takes no absolute pattern
    else:
        raise UsageError(f"{given} is not there")
    files = [file for path in paths for file in _list(path)]
    if not files:
        raise UsageError(f"no images in {given}; looked for names that end in {', '.join(_ENDINGS)}")
    return files


def _list(path: Path) -> Iterator[InputFile]:
    if not path.is_dir():
        if path.name.lower().endswith(_ARCHIVES):
            raise UsageError(f"{path} is an archive: `digitcodec bulk {path} --output DIR` reads it")
        yield InputFile(str(path), path.name)
        return
    for file in sorted(path.rglob("*")):
        below = file.relative_to(path)
        is_hidden = any(step.startswith(".") for step in below.parts)
        if file.name.lower().endswith(_ENDINGS) and not is_hidden and file.is_file():
            yield InputFile(str(file), below.as_posix())
