"""TIFF: the image file directories, which Exif shares."""

import struct
from dataclasses import dataclass
from functools import partial

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from service.errors import InvalidImageError
from service.images.header import FileHeader, decode_with, unpack

SIGNATURES = (b"II*\x00", b"MM\x00*")

_BYTES_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_WIDTH, _HEIGHT, _ORIENTATION, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 274, 322, 323
# The tags that draw pixels. The orientation is not among them: it is applied in one place for all formats.
_KEPT = (
    {254, _WIDTH, _HEIGHT, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320}
    | {_TILE_WIDTH, _TILE_HEIGHT, 324, 325, 338, 339, 347, 529, 530, 531, 532}
)  # fmt: skip
_MAX_ENTRIES = 512
# Strips, tiles and a palette of 256 colours need far fewer; Pillow makes a Python object of each value.
_MAX_VALUES = 1 << 16
# libtiff allocates a whole tile, however small the image is.
_MAX_TILE_SIDE = 2048
_MAX_COUNTED_FRAMES = 1000


@dataclass(frozen=True, slots=True)
class _Entry:
    """One directory entry as it stands in the file."""

    tag: int
    kind: int
    count: int
    value: bytes


@dataclass(frozen=True, slots=True)
class _Directory:
    """One image file directory: its entries by tag, and where the next directory is (0: nowhere)."""

    order: str
    entries: dict[int, _Entry]
    next_offset: int

    def number(self, tag: int, default: int) -> int:
        """The value of a tag that holds one SHORT or LONG."""
        entry = self.entries.get(tag)
        if entry is None or entry.count != 1 or entry.kind not in {3, 4}:
            return default
        return int(struct.unpack_from(self.order + ("H" if entry.kind == 3 else "I"), entry.value)[0])


def read_header(data: bytes) -> FileHeader:
    """Read the first directory and count the others.

    Raises:
        InvalidImageError: If a directory is damaged, points outside the file or is larger than a picture needs.
    """
    directory = _read_directory(data, _first_offset(data))
    tile = directory.number(_TILE_WIDTH, 0), directory.number(_TILE_HEIGHT, 0)
    if max(tile) > _MAX_TILE_SIDE:
        raise InvalidImageError(f"the TIFF file has tiles of {tile} pixels, the limit of a side is {_MAX_TILE_SIDE}")
    entries = [entry for tag, entry in sorted(directory.entries.items()) if tag in _KEPT]
    _check_values(data, directory.order, entries)
    size = directory.number(_WIDTH, 0), directory.number(_HEIGHT, 0)
    decode = partial(_decode, data, directory.order, entries, size)
    frames, orientation = _count_frames(data, directory), directory.number(_ORIENTATION, 1)
    return FileHeader(*size, decode, frames, orientation, _count_padded(size, tile))


def read_orientation(exif: bytes) -> int:
    """The orientation in an Exif block, 1 where it has none or is damaged: a picture does not depend on it."""
    if not exif.startswith(SIGNATURES):
        return 1
    try:
        return _read_directory(exif, _first_offset(exif)).number(_ORIENTATION, 1)
    except InvalidImageError:
        return 1


def _count_padded(size: tuple[int, int], tile: tuple[int, int]) -> int:
    """The pixels of all tiles, 0 without tiles; a tile may be far larger than the picture."""
    columns, rows = (-(-side // max(1, step)) for side, step in zip(size, tile, strict=True))
    return columns * rows * tile[0] * tile[1]


def _order(data: bytes) -> str:
    return "<" if data.startswith(b"II") else ">"


def _first_offset(data: bytes) -> int:
    return int(unpack(_order(data) + "I", data, 4)[0])


def _read_directory(data: bytes, offset: int) -> _Directory:
    order = _order(data)
    (count,) = unpack(order + "H", data, offset)
    if count > _MAX_ENTRIES:
        raise InvalidImageError(f"the TIFF directory has {count} entries, the limit is {_MAX_ENTRIES}")
    found = [_Entry(*unpack(order + "HHI4s", data, offset + 2 + 12 * index)) for index in range(count)]
    (following,) = unpack(order + "I", data, offset + 2 + 12 * count)
    return _Directory(order, {entry.tag: entry for entry in found}, following)


def _count_frames(data: bytes, directory: _Directory) -> int:
    """How many directories there are; a chain that runs in a circle stops at the limit."""
    order, frames, following = directory.order, 1, directory.next_offset
    while following and frames < _MAX_COUNTED_FRAMES:
        frames += 1
        (count,) = unpack(order + "H", data, following)
        (following,) = unpack(order + "I", data, following + 2 + 12 * count)
    return frames


def _check_values(data: bytes, order: str, entries: list[_Entry]) -> None:
    """Every value lies inside the file, and all together are no more than a picture needs."""
    values = sum(entry.count for entry in entries)
    if values > _MAX_VALUES:
        raise InvalidImageError(f"the TIFF directory holds {values} values, the limit is {_MAX_VALUES}")
    for entry in entries:
        if entry.kind not in _BYTES_OF_TYPE:
            raise InvalidImageError(f"tag {entry.tag} of the TIFF file has the unknown type {entry.kind}")
        length = _BYTES_OF_TYPE[entry.kind] * entry.count
        if length > 4:
            unpack(f"{length}x", data, *struct.unpack(order + "I", entry.value))


def _decode(data: bytes, order: str, entries: list[_Entry], size: tuple[int, int]) -> Image.Image:
    """Pillow's plugin, on the file with its first directory cut down in place to the tags that draw pixels.

    In place, and not at the end, because the decoder would take a directory that follows cut-off pixels for pixels.
    """
    start = _first_offset(data)
    (count,) = unpack(order + "H", data, start)
    directory = [struct.pack(order + "H", len(entries))]
    directory += [struct.pack(order + "HHI4s", entry.tag, entry.kind, entry.count, entry.value) for entry in entries]
    unused = bytes(12 * (count - len(entries)) + 4)
    body = b"".join([data[:start], *directory, unused, data[start + 2 + 12 * count + 4 :]])
    return decode_with(TiffImageFile, body, size)
