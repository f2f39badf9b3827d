"""The folder that a job writes: what is where, what of it is finished, and how all of it goes away again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pyarrow import fs

from service.bulk.errors import UsageError
from service.bulk.places import UNFINISHED, Place, find_place, is_local

PARTS = "parts"
CLEANED = "cleaned"
PLAN = "_bulk/plan.parquet"
JOB = "_bulk/job.json"
SUMMARY = "summary.json"
PICTURE = "summary.png"

_LOCK = "_bulk/lock"
_STEM = re.compile(r"part-(\d{6,})-(\d{5,})(-last)?")


class PartName(NamedTuple):
    """Which part of the job a file holds.

    Attributes:
        source: Number of the source in the plan.
        chunk: Number of the shard within the source.
        is_last: True if the source has no more.
    """

    source: int
    chunk: int
    is_last: bool

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return f"part-{self.source:06d}-{self.chunk:05d}{'-last' if self.is_last else ''}"


@dataclass(slots=True)
class Progress:
    """What of a source is finished.

    Attributes:
        chunks: The shards that are there.
        last: The number of its last shard, once that is there.
    """

    chunks: set[int] = field(default_factory=set)
    last: int | None = None

    def is_finished(self) -> bool:
        """True if no shard is missing."""
        return self.last is not None and len(self.chunks) == self.last + 1


def join_place(folder: str, name: str) -> str:
    """The place of a file below a folder."""
    address, mark, options = folder.partition("?") if not is_local(folder) else (folder, "", "")
    return f"{address}/{name}{mark}{options}"


def parse_stem(name: str) -> PartName | None:
    """Which part a file name stands for; None for a file that is none of the job's."""
    match = _STEM.fullmatch(name.partition(".")[0])
    return PartName(int(match[1]), int(match[2]), match[3] is not None) if match else None


def list_parts(output: str) -> list[PartName]:
    """The parts that are finished, in their order."""
    names = (parse_stem(name) for name in _list_names(output, PARTS) if name.endswith(".parquet"))
    return sorted(name for name in names if name is not None)


def find_progress(parts: list[PartName]) -> dict[int, Progress]:
    """What of each source is finished; sources of which nothing is are left out."""
    progress: dict[int, Progress] = {}
    for part in parts:
        of_source = progress.setdefault(part.source, Progress())
        of_source.chunks.add(part.chunk)
        if part.is_last:
            of_source.last = part.chunk
    return progress


def place_part(output: str, part: PartName) -> str:
    """Where the table of a part is."""
    return join_place(output, f"{PARTS}/{part.stem}.parquet")


def place_cleaned(output: str, part: PartName) -> str:
    """Where the cleaned images of a part are."""
    return join_place(output, f"{CLEANED}/{part.stem}.tar")


def remove_unfinished(output: str) -> None:
    """Remove what a killed process was writing; an object store has nothing of the kind."""
    if is_local(output):
        for name in (PARTS, CLEANED, "_bulk"):
            for path in Path(output, name).glob(f".*{UNFINISHED}"):
                path.unlink(missing_ok=True)


def remove_job(output: str) -> None:
    """Remove everything that a job wrote, and nothing else; what says which job it was goes last."""
    remove_unfinished(output)
    for folder in (PARTS, CLEANED):
        for name in _list_names(output, folder):
            if parse_stem(name) is not None:
                _remove(find_place(join_place(output, f"{folder}/{name}")))
    for name in (SUMMARY, PICTURE, PLAN, JOB):
        _remove(find_place(join_place(output, name)))


@contextmanager
def locked(output: str) -> Iterator[None]:
    """Keep others from working in the folder for as long as the block lasts; the end of the process unlocks it too.

    Object stores, and systems other than POSIX, have no such lock.

    Raises:
        UsageError: If somebody else is at work there.
    """
    try:
        import fcntl
    except ImportError:
        fcntl = None  # type: ignore[assignment]
    if fcntl is None or not is_local(output):
        yield
        return
    path = Path(output, _LOCK)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"another run is at work in {output}") from error
        yield


def _list_names(output: str, folder: str) -> list[str]:
    target = find_place(join_place(output, folder))
    infos = target.system.get_file_info(fs.FileSelector(target.path, allow_not_found=True))
    return [info.base_name for info in infos if info.type == fs.FileType.File]


def _remove(target: Place) -> None:
    if target.system.get_file_info(target.path).type == fs.FileType.File:
        target.system.delete_file(target.path)
