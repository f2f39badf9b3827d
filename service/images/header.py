"""What an image file claims to hold, and the one guarded way to Pillow; knows no file format."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from PIL import Image
from PIL.ImageFile import ImageFile

from service.errors import InvalidImageError

# More pieces (chunks, segments, directory entries) than any honest file has; each costs about a microsecond.
MAX_PIECES = 20_000

# As much of Pillow's own words as helps a reader; they may quote the file.
_MAX_CAUSE_CHARACTERS = 100

Plugin = Callable[[IO[bytes]], ImageFile]


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What a file says of itself, read before any pixel is decoded.

    Attributes:
        width: Columns, before the orientation is applied.
        height: Rows, before the orientation is applied.
        decode: Decodes the pixels; raises InvalidImageError where they are damaged or missing.
        frames: How many pictures the file holds.
        orientation: Exif orientation, 1..8; 1 is upright.
        padded_pixels: Pixels that the decoder makes, where they may be more than those of the picture.
    """

    width: int
    height: int
    decode: Callable[[], Image.Image]
    frames: int = 1
    orientation: int = 1
    padded_pixels: int = 0

    @property
    def pixels(self) -> int:
        """How many pixels decoding makes."""
        return max(self.width * self.height, self.padded_pixels)


def unpack(layout: str, data: bytes, offset: int) -> tuple[Any, ...]:
    """`struct.unpack_from` for untrusted bytes.

    Raises:
        InvalidImageError: If the data ends before the value does.
    """
    if offset < 0 or offset + struct.calcsize(layout) > len(data):
        raise truncated(data)
    return struct.unpack_from(layout, data, offset)


def truncated(data: bytes) -> InvalidImageError:
    """The error for a file that ends too early."""
    return InvalidImageError(f"the image file is truncated: it ends after {len(data)} bytes, inside one of its parts")


def too_many_pieces() -> InvalidImageError:
    """The error for a file cut in more pieces than an honest writer makes."""
    return InvalidImageError(f"the image file has more than {MAX_PIECES} parts, which no picture needs")


def guard(step: Callable[[], Image.Image]) -> Image.Image:
    """Run one call of Pillow on untrusted bytes.

    The catch is broad, because Pillow's plugins raise a dozen kinds of exception on damaged bytes and list none;
    nothing but Pillow runs inside it.

    Raises:
        InvalidImageError: Whatever the call raises; the cause is kept.
    """
    try:
        return step()
    except InvalidImageError:
        raise
    except Exception as error:
        cause = str(error)[:_MAX_CAUSE_CHARACTERS] or type(error).__name__
        raise InvalidImageError(f"the image data is damaged or truncated: {cause}") from error


def decode_with(plugin: Plugin, body: bytes, size: tuple[int, int]) -> Image.Image:
    """Decode `body` with one Pillow plugin, if it finds the size that the header promised.

    The plugin is called directly, not by `Image.open`: no other plugin can be chosen or loaded, and Pillow's
    global bomb limit and its warnings do not take part. Our own limit was applied to the header.

    Raises:
        InvalidImageError: If the size differs, or the data is damaged or truncated.
    """

    def step() -> Image.Image:
        picture = plugin(BytesIO(body))
        if picture.size != size:
            raise InvalidImageError(f"the image data is {picture.size} pixels, its header says {size}")
        picture.load()
        return picture

    return guard(step)
