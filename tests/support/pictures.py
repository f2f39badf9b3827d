"""Tiny image files for tests: every format, odd modes, damage, animations and bombs."""

import gzip
import os
import struct
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.uint8]
Rgb = NDArray[np.uint8]

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

LOSSLESS = {
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/bmp": "BMP",
    "image/gif": "GIF",
    "image/tiff": "TIFF",
    "image/x-portable-graymap": "PPM",
}
"""Media types that keep every grey level -> format of Pillow."""


def ramp(height: int = 28, width: int = 28) -> Grey:
    """A picture in which every row and column differs, with levels from 0 to 255."""
    return (np.arange(height * width, dtype=np.uint32) * 7 % 256).astype(np.uint8).reshape(height, width)


@cache
def digits(count: int = 50) -> Grey:
    """Real MNIST test digits where MNIST_DIR is set, else scikit-learn's digits enlarged; uint8 (count, 28, 28)."""
    folder = os.environ.get("MNIST_DIR")
    if folder:
        packed = Path(folder) / "t10k-images-idx3-ubyte.gz"
        return np.frombuffer(gzip.decompress(packed.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)[:count]
    return np.stack([_enlarge(picture) for picture in _load_small_digits()[:count]])


def _load_small_digits() -> NDArray[np.float64]:
    from sklearn.datasets import load_digits

    pictures: NDArray[np.float64] = load_digits().images
    return pictures


def _enlarge(picture: NDArray[np.float64]) -> Grey:
    small = Image.fromarray((picture * 255 / 16).astype(np.uint8))
    canvas = np.zeros((28, 28), np.uint8)
    canvas[4:24, 4:24] = np.asarray(small.resize((20, 20), Image.Resampling.BICUBIC))
    return canvas


def encode(picture: Image.Image | NDArray[Any], file_format: str, **options: Any) -> bytes:
    """The picture as a file of one of Pillow's formats; WebP without loss."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = BytesIO()
    if file_format == "WEBP":
        options = {"lossless": True, "exact": True, **options}
    image.save(stream, file_format, **options)
    return stream.getvalue()


def animate(file_format: str, frames: int) -> bytes:
    """An animated 28x28 file of `frames` different pictures."""
    pictures = [Image.fromarray(np.roll(ramp(), 3 * index, axis=1)) for index in range(frames)]
    options: dict[str, Any] = {"save_all": True, "append_images": pictures[1:]}
    return encode(pictures[0], file_format, **options)


def png_chunk(name: bytes, content: bytes) -> bytes:
    """One chunk with a right checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    header: tuple[int, ...], stream: bytes, *, before: tuple[bytes, ...] = (), cut: int | None = None, end: bool = True
) -> bytes:
    """A PNG of the given IHDR fields and IDAT content, in one IDAT chunk or in two that are cut at `cut`."""
    parts = [stream] if cut is None else [stream[:cut], stream[cut:]]
    chunks = [png_chunk(b"IHDR", struct.pack(">IIBBBBB", *header)), *before]
    chunks += [png_chunk(b"IDAT", part) for part in parts]
    return b"".join([_PNG_SIGNATURE, *chunks, png_chunk(b"IEND", b"") if end else b""])


def plain_grey_png(rows: bytes, *, cut: int | None = None) -> bytes:
    """An 8-bit grey 28x28 PNG of these 28 rows of filter byte and pixels."""
    return png((28, 28, 8, 0, 0, 0, 0), zlib.compress(rows), cut=cut)


@cache
def bomb_png(side: int = 20_000) -> bytes:
    """A grey PNG of side x side pixels in about a thousandth of its size."""
    encoder = zlib.compressobj(9)
    row = bytes(side // 8 + 1)
    stream = b"".join(encoder.compress(row) for _ in range(side)) + encoder.flush()
    return png((side, side, 1, 0, 0, 0, 0), stream)


def npy(descr: str, shape: str, data: bytes, version: tuple[int, int] = (1, 0)) -> bytes:
    """A npy file whose header says whatever it is told to say."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    layout = "<H" if version == (1, 0) else "<I"
    return b"\x93NUMPY" + bytes(version) + struct.pack(layout, len(header)) + header + data


def tiff(entries: list[tuple[int, int, int, int]], data: bytes = b"", following: int = 0) -> bytes:
    """A little-endian TIFF: header, `data` at byte 8, then one directory of (tag, type, count, value)."""
    offset = 8 + len(data)
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\x00" + struct.pack("<I", offset) + data + directory + struct.pack("<I", following)
