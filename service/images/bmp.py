"""BMP: the fixed header."""

from functools import partial

from PIL.BmpImagePlugin import BmpImageFile

from service.errors import InvalidImageError
from service.images.header import FileHeader, decode_with, unpack

SIGNATURE = b"BM"

_CORE_HEADER_BYTES = 12
# Uncompressed, with or without bit masks. Pillow decodes the run-length kinds in Python, seconds for a large one.
_COMPRESSIONS = (0, 3, 6)


def read_header(data: bytes) -> FileHeader:
    """Read the size of the picture.

    Raises:
        InvalidImageError: If the header is cut off, or the pixels are compressed.
    """
    (header_bytes,) = unpack("<I", data, 14)
    if header_bytes == _CORE_HEADER_BYTES:
        width, height = unpack("<HH", data, 18)
    else:
        width, height, compression = unpack("<ii4xI", data, 18)
        if compression not in _COMPRESSIONS:
            raise InvalidImageError(f"got a BMP file with compression {compression}, expected an uncompressed one")
    size = width, abs(height)  # a negative height means that the top row comes first
    return FileHeader(*size, partial(decode_with, BmpImageFile, data, size))
