"""Inputs -> sources: folders are listed, globs filled in, large files cut where they can be; reads no image."""

import fnmatch
import glob
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pyarrow import fs

from service.bulk.errors import UsageError
from service.bulk.kinds import find_kind, is_hidden
from service.bulk.places import Place, find_place, is_local, name_below, show_place
from service.bulk.reading.npy import read_npy_header
from service.bulk.reading.tables import read_parquet_groups
from service.bulk.sources import Kind, Source

_WILDCARD = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True)
class Found:
    """A file that an input led to.

    Attributes:
        place: Where it is.
        base: The input that led to it; names are relative to this.
        kind: How it is read.
    """

    place: str
    base: str
    kind: Kind


def plan_sources(inputs: Sequence[str], output: str, shard_rows: int) -> list[Source]:
    """The sources of all inputs, in their order; within a folder, in the order of their names.

    A file that several inputs lead to is read once, as `**` and the folders that it matches do.

    Args:
        inputs: Normalised places: files, folders, and globs of both.
        output: Where the job writes; nothing below it is read.
        shard_rows: Most images of a source that is a group of files, or a run of rows.

    Raises:
        UsageError: If an input is not there, or there is nothing in any of them.
    """
    below = show_place(output) + "/"
    files: dict[str, Found] = {}
    for file in _find_all(inputs):
        if not file.place.startswith(below):
            files.setdefault(file.place, file)
    sources = list(_cut_all(files.values(), shard_rows))
    if not sources:
        raise UsageError(f"no images, tars, Parquet or npy files in {', '.join(inputs)}")
    return sources


def _find_all(inputs: Sequence[str]) -> Iterator[Found]:
    for given in inputs:
        for match in _fill_in(given):
            yield from _list_files(match)


def _fill_in(given: str) -> list[str]:
    """The places that a glob names; what has no wildcard, or is there as it is written, names itself."""
    if not _WILDCARD.search(show_place(given)) or _exists(given):
        return [given]
    matches = _match_paths(given) if is_local(given) else _match_objects(given)
    if not matches:
        raise UsageError(f"nothing matches {given}")
    return matches


def _match_paths(given: str) -> list[str]:
    return sorted(glob.glob(given, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern


def _match_objects(given: str) -> list[str]:
    """Objects that match; a `*` stands for slashes too."""
    target = find_place(given)
    folder = _WILDCARD.split(target.path)[0].rpartition("/")[0]
    infos = target.system.get_file_info(fs.FileSelector(folder, recursive=True, allow_not_found=True))
    paths = sorted(info.path for info in infos if info.type == fs.FileType.File)
    return [name_below(given, path) for path in paths if fnmatch.fnmatchcase(path, target.path)]


def _exists(place: str) -> bool:
    return bool(_look(find_place(place), place).type != fs.FileType.NotFound)


def _look(target: Place, place: str) -> fs.FileInfo:
    try:
        return target.system.get_file_info(target.path)
    except (OSError, UnicodeEncodeError) as error:  # Arrow writes names in UTF-8
        raise UsageError(f"{place!r} cannot be looked at: {error}") from error


def _list_files(place: str) -> Iterator[Found]:
    target = find_place(place)
    info = _look(target, place)
    if info.type == fs.FileType.NotFound:
        raise UsageError(f"{place} is not there")
    if info.type != fs.FileType.Directory:
        shown = show_place(place)
        yield Found(place, shown.rpartition("/")[0], find_kind(shown) or "files")
        return
    for path in _list_paths(target, place):
        kind = find_kind(path)
        if kind is not None and not is_hidden(path.removeprefix(target.path)):
            yield Found(name_below(place, path), show_place(place), kind)


def _list_paths(target: Place, place: str) -> list[str]:
    """All files below a folder, in the order of their names."""
    infos = target.system.get_file_info(fs.FileSelector(target.path, recursive=True))
    try:
        return sorted(info.path for info in infos if info.type == fs.FileType.File)
    except UnicodeDecodeError as error:
        raise UsageError(f"a name in {place} is not UTF-8: {error}") from error


def _cut_all(files: Iterable[Found], shard_rows: int) -> Iterator[Source]:
    """Image files that follow each other in one input share sources; every other file has its own."""
    group: list[Found] = []
    for file in files:
        if group and (file.kind != "files" or file.base != group[0].base or len(group) == shard_rows):
            yield _join(group)
            group = []
        if file.kind == "files":
            group.append(file)
        elif file.kind == "tar":
            yield Source("tar", (file.place,))
        else:
            yield from _cut_npy(file.place, shard_rows) if file.kind == "npy" else _cut_parquet(file.place)
    if group:
        yield _join(group)


def _join(group: list[Found]) -> Source:
    return Source("files", tuple(file.place for file in group), group[0].base, rows=len(group))


def _cut_npy(place: str, shard_rows: int) -> Iterator[Source]:
    """Runs of rows; a file that cannot be opened stays whole, and reading it tells what is wrong.

    Where a file ends too early, its first missing row is in a source, and tells that.
    """
    try:
        header = read_npy_header(find_place(place))
    except OSError:
        yield Source("npy", (place,), rows=0)
        return
    rows = min(header.rows, header.whole_rows + 1)
    for start in range(0, max(rows, 1), shard_rows):
        yield Source("npy", (place,), start=start, rows=min(shard_rows, rows - start))


def _cut_parquet(place: str) -> Iterator[Source]:
    """Row groups; a file that cannot be opened, or has none, stays whole, and reading it tells what is wrong."""
    try:
        groups = read_parquet_groups(find_place(place))
    except OSError:
        groups = []
    if not groups:
        yield Source("parquet", (place,))
    start = 0
    for group, rows in enumerate(groups):
        yield Source("parquet", (place,), start=start, rows=rows, group=group)
        start += rows
