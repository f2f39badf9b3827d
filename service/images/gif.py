"""GIF: the blocks of the file."""

from functools import partial

from PIL import Image
from PIL.GifImagePlugin import GifImageFile

from service.errors import InvalidImageError
from service.images.header import FileHeader, decode_with, truncated, unpack

SIGNATURES = (b"GIF87a", b"GIF89a")

_EXTENSION, _IMAGE, _TRAILER, _GRAPHIC_CONTROL = 0x21, 0x2C, 0x3B, 0xF9
# 64 MB in blocks of the usual 255 bytes; smaller blocks would make a small file slow to walk.
_MAX_BLOCKS = 1 << 18


class _Walk:
    """Walks the blocks once; notes the first picture, its transparency and how many pictures there are."""

    def __init__(self, data: bytes, position: int) -> None:
        self.frames = 0
        self.control = b""
        self.picture = b""
        self._data = data
        self._position = position
        self._blocks_left = _MAX_BLOCKS

    def run(self) -> None:
        """Walk to the trailer; raises InvalidImageError if it is missing or a block is damaged."""
        while (kind := self._take_byte()) != _TRAILER:
            start = self._position - 1
            if kind == _EXTENSION:
                self._walk_extension(start)
            elif kind == _IMAGE:
                self._walk_picture(start)
            else:
                raise InvalidImageError(f"the GIF file has the unknown block 0x{kind:02x} at byte {start}")

    def _walk_extension(self, start: int) -> None:
        label = self._take_byte()
        self._skip_blocks()
        if label == _GRAPHIC_CONTROL and not self.frames:
            self.control = self._data[start : self._position]

    def _walk_picture(self, start: int) -> None:
        (flags,) = unpack("8xB", self._data, self._position)
        self._position += 9 + _palette_bytes(flags) + 1
        self._skip_blocks()
        self.frames += 1
        if self.frames == 1:
            self.picture = self._data[start : self._position]

    def _skip_blocks(self) -> None:
        while length := self._take_byte():
            self._position += length

    def _take_byte(self) -> int:
        if self._position >= len(self._data):
            raise truncated(self._data)
        self._blocks_left -= 1
        if self._blocks_left < 0:
            raise InvalidImageError(f"the GIF file has more than {_MAX_BLOCKS} blocks")
        self._position += 1
        return self._data[self._position - 1]


def read_header(data: bytes) -> FileHeader:
    """Walk all blocks and count the frames.

    Raises:
        InvalidImageError: If a block is damaged or cut off, or the trailer is missing.
    """
    width, height, flags = unpack("<HHB", data, 6)
    start = 13 + _palette_bytes(flags)
    walk = _Walk(data, start)
    walk.run()
    body = b"".join([data[:start], walk.control, walk.picture, bytes([_TRAILER])])
    return FileHeader(width, height, partial(_decode, body, (width, height)), walk.frames)


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _decode(body: bytes, size: tuple[int, int]) -> Image.Image:
    return decode_with(GifImageFile, body, size)
