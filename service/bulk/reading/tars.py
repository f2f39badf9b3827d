"""Tar archives, compressed or not, as WebDataset has them: members with an image's ending are rows, others are not."""

import tarfile
import zlib
from collections.abc import Iterator
from functools import partial
from lzma import LZMAError
from typing import IO, Any, cast

from service.bulk.kinds import is_image
from service.bulk.places import find_place, show_place
from service.bulk.reading.items import MOST_FILE_BYTES, Decode, Item, UnreadableError, decode_file, fail_item
from service.bulk.sources import Source

# A read of the network or of the disk; members are a few hundred bytes.
_BUFFER_BYTES = 2**20
_DAMAGE = (tarfile.TarError, EOFError, zlib.error, LZMAError, OSError, ValueError)


def read_tar(source: Source, decode: Decode) -> Iterator[Item]:
    """An item for each image; where the archive breaks off or cannot be read, one more that says so."""
    (place,) = source.places
    row, shown = 0, show_place(place)
    try:
        for name, content in _read_members(place):
            yield Item(f"{shown}!{name}", name, row, partial(decode_file, content, decode))
            row += 1
    except FileNotFoundError as error:
        yield fail_item(shown, row, error)
    except _DAMAGE as error:
        told = f"the archive cannot be read on after {row} images: {error or type(error).__name__}"
        yield fail_item(shown, row, UnreadableError(told))


def _read_members(place: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the images of an archive, which is read once from its start to its end."""
    target = find_place(place)
    with (
        target.system.open_input_stream(target.path, compression=None, buffer_size=_BUFFER_BYTES) as stream,
        tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|*") as archive,
    ):
        while (member := archive.next()) is not None:
            vars(archive)["members"].clear()  # it would keep them all
            if is_image(member.name) and member.isfile() and (file := archive.extractfile(member)) is not None:
                yield member.name, file.read(MOST_FILE_BYTES + 1)
        _check_end(archive)


def _check_end(archive: Any) -> None:
    """An archive ends with a block of zeros; one that was cut before it does not, which tarfile allows."""
    if archive.fileobj.tell() < archive.offset + tarfile.BLOCKSIZE:
        raise UnreadableError("its end mark is missing")
