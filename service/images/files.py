"""Image files -> one checked 28x28 image: what the file is, whether it may be decoded, and how it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Literal, NamedTuple

from service.domain import IMAGE_BYTES, IMAGE_SIDE, Images
from service.errors import InvalidImageError, PayloadTooLargeError, UnsupportedMediaError
from service.images import bmp, gif, jpeg, pgm, png, tiff, webp
from service.images.grey import Paper, read_grey
from service.images.header import FileHeader
from service.images.normalise import normalise
from service.images.plain_png import HAS_DECODER, decode_plain, is_plain

Preprocess = Literal["strict", "mnist"]

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "image/png": "PNG",
        "image/jpeg": "JPEG",
        "image/webp": "WEBP",
        "image/bmp": "BMP",
        "image/gif": "GIF",
        "image/tiff": "TIFF",
        "image/x-portable-graymap": "PPM",
    }
)
"""Media type of each image file format that is read -> its name in Pillow."""

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm")
"""How the names of such files end, in small letters; only what goes through folders and archives looks at names."""

_READERS: Mapping[str, Callable[[bytes], FileHeader]] = {
    "PNG": png.read_header,
    "JPEG": jpeg.read_header,
    "WEBP": webp.read_header,
    "BMP": bmp.read_header,
    "GIF": gif.read_header,
    "TIFF": tiff.read_header,
    "PPM": pgm.read_header,
}

_SIGNATURES: tuple[tuple[bytes | tuple[bytes, ...], str], ...] = (
    (png.SIGNATURE, "image/png"),
    (jpeg.SIGNATURE, "image/jpeg"),
    (gif.SIGNATURES, "image/gif"),
    (tiff.SIGNATURES, "image/tiff"),
    (bmp.SIGNATURE, "image/bmp"),
)

_MAY_BE_PNG = frozenset({None, "image/png"})

# As much of a body as is looked at to tell text from other bytes.
_SNIFFED_BYTES = 512


@dataclass(frozen=True)
class ImageLimits:
    """What an image file may cost.

    Attributes:
        max_pixels: Most pixels of all files of a request together, by their headers; more are refused before
            anything is decoded.
    """

    max_pixels: int


class UndecodedImage(NamedTuple):
    """An image whose file may be decoded, by its header.

    Attributes:
        pixels: How many pixels decoding makes; 0 where nothing is left to decode.
        decode: Makes the image, uint8 (28, 28); raises InvalidImageError where the file's pixels are damaged.
    """

    pixels: int
    decode: Callable[[], Images]


def decode_image(
    data: bytes, *, limits: ImageLimits, preprocess: Preprocess = "strict", media_type: str | None = None
) -> Images:
    """Read one image file whole: `open_image` and its `decode`, with the arguments and errors of both."""
    return open_image(data, limits=limits, preprocess=preprocess, media_type=media_type).decode()


def open_image(
    data: bytes, *, limits: ImageLimits, preprocess: Preprocess = "strict", media_type: str | None = None
) -> UndecodedImage:
    """Read the header of one image file; docs/images.md has the table of what is accepted.

    Args:
        data: The whole file.
        limits: What it may cost.
        preprocess: `strict` takes 28x28 pixels as they are and never inverts; `mnist` takes any size and makes
            the image as MNIST was made.
        media_type: A key of FORMATS that the content must agree with; None takes any of them.

    Returns:
        What becomes an image with ink bright on dark.

    Raises:
        UnsupportedMediaError: If `media_type` is none of FORMATS.
        PayloadTooLargeError: If the file alone has more pixels than the limit.
        InvalidImageError: If the content is another format, damaged, truncated, animated, or (strict) not 28x28.
    """
    may_be_quick = HAS_DECODER and preprocess == "strict" and media_type in _MAY_BE_PNG
    if may_be_quick and limits.max_pixels >= IMAGE_BYTES and is_plain(data):
        return UndecodedImage(IMAGE_BYTES, partial(_decode_quickly, data))
    header = _READERS[_find_format(data, media_type)](data)
    _check(header, limits, preprocess)
    return UndecodedImage(header.pixels, partial(_decode, header, preprocess))


def sniff(data: bytes) -> str | None:
    """The media type that a file begins like, a key of FORMATS; None for none of them."""
    for signature, media_type in _SIGNATURES:
        if data.startswith(signature):
            return media_type
    if data.startswith(webp.RIFF) and data[8:12] == webp.WEBP:
        return "image/webp"
    return "image/x-portable-graymap" if pgm.MAGIC.match(data) else None


def _decode_quickly(data: bytes) -> Images:
    image = decode_plain(data)
    return _decode(png.read_header(data), "strict") if image is None else image


def _decode(header: FileHeader, preprocess: Preprocess) -> Images:
    if preprocess == "mnist":
        return normalise(read_grey(header.decode(), header.orientation, Paper.OPPOSITE))
    return read_grey(header.decode(), header.orientation, Paper.BLACK)


def _find_format(data: bytes, media_type: str | None) -> str:
    if media_type is not None and media_type not in FORMATS:
        raise UnsupportedMediaError(f"got {media_type}, expected one of {', '.join(FORMATS)}")
    found = sniff(data)
    if found is None:
        expected = media_type or f"one of {', '.join(FORMATS)}"
        raise InvalidImageError(f"got {_describe(data)}, expected {expected}")
    if media_type is not None and found != media_type:
        raise InvalidImageError(f"the content is {found}, declared as {media_type}")
    return FORMATS[found]


def _describe(data: bytes) -> str:
    """What came, in words, for content that is none of our formats."""
    if not data:
        return "an empty file"
    start = data[:_SNIFFED_BYTES]
    is_text = all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in start)
    return f"{len(data)} bytes of {'text' if is_text else 'an unknown kind'}"


def _check(header: FileHeader, limits: ImageLimits, preprocess: Preprocess) -> None:
    """Refuse by the header alone, before any memory is spent on pixels."""
    width, height = header.width, header.height
    if width < 1 or height < 1:
        raise InvalidImageError(f"the image is {width}x{height} pixels, expected at least 1x1")
    if width * height > limits.max_pixels:
        raise PayloadTooLargeError(f"the image is {width}x{height} pixels, the limit is {limits.max_pixels} pixels")
    if header.frames != 1:
        raise InvalidImageError(f"the file holds {header.frames} frames, expected 1")
    if preprocess == "strict" and (width, height) != (IMAGE_SIDE, IMAGE_SIDE):
        raise InvalidImageError(
            f"the image is {width} pixels wide and {height} high, expected 28x28; preprocess=mnist takes any size"
        )
