"""Where files are: paths of this machine and URLs of object stores, by one set of functions; knows no image.

A place is a string: an absolute path, or `scheme://bucket/key` with the options of its file system behind a `?`, for
example `s3://bucket/digits?region=eu-central-1`.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from pyarrow import fs

from service.bulk.errors import UsageError

_FILE_SCHEME = "file://"


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder.

    Attributes:
        system: The file system it is on.
        path: What that calls it.
    """

    system: fs.FileSystem
    path: str


def normalise_place(text: str) -> str:
    """A place as it is written down: URLs as they are, paths absolute, whatever the working directory is.

    Raises:
        UsageError: If it is a URL with a password.
    """
    if text.startswith(_FILE_SCHEME):
        text = unquote(text.removeprefix(_FILE_SCHEME))
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise UsageError(
            "a URL holds credentials, which would be written down with the job; the environment is for them"
        )
    if is_local(text):
        return os.path.abspath(text)  # noqa: PTH100 - resolve() would follow links
    address, mark, options = text.partition("?")
    return f"{address.rstrip('/')}{mark}{options}"


def show_place(place: str) -> str:
    """A place for people: without the options of its file system."""
    return place if is_local(place) else place.partition("?")[0]


def is_local(place: str) -> bool:
    """True for a path of this machine."""
    return "://" not in place


def find_place(place: str) -> Place:
    """The file system of a normalised place, and its path there.

    Raises:
        UsageError: If there is no such kind of file system, or it cannot be reached.
    """
    if is_local(place):
        return Place(_local_system(), place)
    address, _, options = place.partition("?")
    scheme, _, path = address.partition("://")
    bucket = path.partition("/")[0]
    return Place(_open_system(scheme, bucket, options), path)


def name_below(place: str, path: str) -> str:
    """The place of another path on the same file system, as a listing brings it."""
    if is_local(place):
        return path
    address, mark, options = place.partition("?")
    return f"{address.partition('://')[0]}://{path}{mark}{options}"


def write_whole(place: str, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, whenever the process or the machine may end.

    An object store shows an object only once it has all of it.
    """
    target = find_place(place)
    if not is_local(place):
        with target.system.open_output_stream(target.path) as stream:
            stream.write(content)
        return
    path = Path(target.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # a name must not reach the disk before its content
    unfinished.replace(path)


UNFINISHED = ".tmp"
"""How the name of a file ends that was being written; those of a process that was killed are left over."""


def read_whole(place: str, most_bytes: int | None = None) -> bytes:
    """The bytes of a file: all of them, or the first so many.

    Raises:
        FileNotFoundError: If it is not there.
    """
    source = find_place(place)
    with source.system.open_input_stream(source.path, compression=None) as stream:
        return bytes(stream.read(most_bytes))


@lru_cache(maxsize=1)
def _local_system() -> fs.FileSystem:
    return fs.LocalFileSystem()


@lru_cache(maxsize=64)
def _open_system(scheme: str, bucket: str, options: str) -> fs.FileSystem:
    """One client for all files of a bucket: making it may ask the network for the bucket's region."""
    url = f"{scheme}://{bucket}" + (f"?{options}" if options else "")
    try:
        return fs.FileSystem.from_uri(url)[0]
    except (ValueError, OSError) as error:  # ArrowInvalid is a ValueError
        raise UsageError(f"{url} cannot be opened: {error}") from error
