"""Tar archives, compressed or not, as WebDataset has them: members with an image's ending are rows, others are not."""

import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from lzma import LZMAError
from typing import IO, Any, NoReturn, Self, cast

from service.bulk.kinds import is_hidden, is_image
from service.bulk.places import find_place, show_place
from service.bulk.reading.items import MOST_FILE_BYTES, Decode, Item, UnreadableError, decode_file, fail_item
from service.bulk.sources import Source
from service.domain import Images

# A read of the network or of the disk; members are a few hundred bytes.
_BUFFER_BYTES = 2**20
_DAMAGE = (tarfile.TarError, EOFError, zlib.error, LZMAError, OSError, ValueError)


class _Header(tarfile.TarInfo):
    """A member's header; where it is damaged, or missing, tarfile itself would say that the archive ends there."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise  # the end mark
            raise UnreadableError(f"{error}, expected a member or the end mark") from error


def read_tar(source: Source, decode: Decode) -> Iterator[Item]:
    """An item for each image; where the archive breaks off or cannot be read, one more that says so."""
    (place,) = source.places
    row, shown = 0, show_place(place)
    try:
        for name, read in _read_members(place, decode):
            yield Item(f"{shown}!{name}", name, row, read)
            row += 1
    except FileNotFoundError as error:
        yield fail_item(shown, row, error)
    except _DAMAGE as error:
        told = f"the archive cannot be read on after {row} images: {error or type(error).__name__}"
        yield fail_item(shown, row, UnreadableError(told))


def _read_members(place: str, decode: Decode) -> Iterator[tuple[str, Callable[[], Images]]]:
    """Names of the images of an archive, and what makes them; it is read once from its start to its end."""
    target = find_place(place)
    with (
        target.system.open_input_stream(target.path, compression=None, buffer_size=_BUFFER_BYTES) as stream,
        _open(stream) as archive,
    ):
        while (member := archive.next()) is not None:
            vars(archive)["members"].clear()  # it would keep them all
            if not is_image(member.name) or is_hidden(member.name):
                continue
            if member.isfile() and (file := archive.extractfile(member)) is not None:
                yield member.name, partial(decode_file, file.read(MOST_FILE_BYTES + 1), decode)
            elif member.issym() or member.islnk():
                yield member.name, partial(_refuse_link, member.linkname)


def _open(stream: Any) -> tarfile.TarFile:
    # Names of another encoding than UTF-8 would be no text that Arrow takes.
    return tarfile.open(
        fileobj=cast("IO[bytes]", stream), mode="r|*", tarinfo=_Header, encoding="utf-8", errors="backslashreplace"
    )


def _refuse_link(target: str) -> NoReturn:
    raise UnreadableError(f"the member is a link to {target}, expected a file")
