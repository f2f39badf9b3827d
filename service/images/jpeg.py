"""JPEG: the segments before the first scan."""

from functools import partial

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from service.errors import InvalidImageError
from service.images.header import MAX_PIECES, FileHeader, decode_with, too_many_pieces, unpack
from service.images.tiff import read_orientation

SIGNATURE = b"\xff\xd8\xff"

_START_OF_SCAN, _END_OF_IMAGE, _APP1 = 0xDA, 0xD9, 0xE1
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
# What draws pixels: tables, frame header, restart interval, and JFIF and Adobe, which name the colour space.
_KEPT = {0xC4, 0xCC, 0xDB, 0xDD, 0xE0, 0xEE, *_FRAME_HEADERS}
_EXIF = b"Exif\x00\x00"
# A progressive file has about ten scans. Each is a pass over all pixels, and an empty one costs a few bytes.
_MAX_SCANS = 64


def read_header(data: bytes) -> FileHeader:
    """Walk the segments up to the first scan; a preview or a second picture after the first one is ignored.

    Raises:
        InvalidImageError: If a segment is damaged, cut off or missing, or there are more than 64 scans.
    """
    kept, orientation, size = [data[:2]], 1, None
    position = 2
    for _ in range(MAX_PIECES):
        marker, position = _read_marker(data, position)
        if marker == _START_OF_SCAN:
            return _build_header(data, position - 2, kept, size, orientation)
        if marker in _WITHOUT_LENGTH:
            continue
        content, end = _read_segment(data, position)
        if marker in _KEPT:
            kept.append(bytes((0xFF, marker)) + data[position:end])
        if marker in _FRAME_HEADERS:
            size = _read_size(content, size)
        if marker == _APP1 and content.startswith(_EXIF):
            orientation = read_orientation(content[len(_EXIF) :])
        position = end
    raise too_many_pieces()


def _read_marker(data: bytes, position: int) -> tuple[int, int]:
    """The marker at `position`, which any number of 0xFF bytes may precede, and where its segment begins."""
    start = position
    while data[position : position + 1] == b"\xff" and position - start < MAX_PIECES:
        position += 1
    (marker,) = unpack("B", data, position)
    if position == start or marker in {0x00, 0xFF, _END_OF_IMAGE}:
        raise InvalidImageError(f"the JPEG file has no segment at byte {start}: got 0x{marker:02x}")
    return marker, position + 1


def _read_segment(data: bytes, position: int) -> tuple[bytes, int]:
    (length,) = unpack(">H", data, position)
    if length < 2:
        raise InvalidImageError(f"the JPEG file has a segment of {length} bytes at byte {position}, expected 2 or more")
    unpack(f"{length}x", data, position)
    return data[position + 2 : position + length], position + length


def _read_size(content: bytes, size: tuple[int, int] | None) -> tuple[int, int]:
    if size is not None:
        raise InvalidImageError("the JPEG file has more than one frame header")
    _, height, width = unpack(">BHH", content, 0)
    return width, height


def _build_header(
    data: bytes, scan: int, kept: list[bytes], size: tuple[int, int] | None, orientation: int
) -> FileHeader:
    if size is None:
        raise InvalidImageError("the JPEG file has no frame header before its first scan")
    scans = data.count(b"\xff\xda", scan)
    if scans > _MAX_SCANS:
        raise InvalidImageError(f"the JPEG file has {scans} scans, the limit is {_MAX_SCANS}")
    return FileHeader(*size, partial(_decode, data, scan, kept, size), orientation=orientation)


def _decode(data: bytes, scan: int, kept: list[bytes], size: tuple[int, int]) -> Image.Image:
    return decode_with(JpegImageFile, b"".join([*kept, data[scan:]]), size)
