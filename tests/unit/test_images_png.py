"""The short cut for plain grey PNG against Pillow's own plugin, which is the judge."""

import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from support import pictures

from service.errors import InvalidImageError
from service.images import ImageLimits, decode_image

LIMITS = ImageLimits(max_pixels=784)
PLAIN = pictures.plain_grey_png(np.pad(pictures.ramp(), ((0, 0), (1, 0))).tobytes())

filtered_rows = st.lists(
    st.tuples(st.integers(0, 4), st.binary(min_size=28, max_size=28)), min_size=28, max_size=28
).map(lambda rows: b"".join(bytes([kind]) + pixels for kind, pixels in rows))


def judge(data: bytes) -> pictures.Grey | None:
    """What Pillow makes of the file; None where it refuses it, or makes rows black that are not there."""
    try:
        picture = np.asarray(Image.open(BytesIO(data), formats=["PNG"]))
    except (OSError, SyntaxError, ValueError):
        return None
    return picture if count_pixel_bytes(data) >= 28 * 29 else None


def count_pixel_bytes(data: bytes) -> int:
    """How much a file's one or two IDAT chunks hold."""
    stream, place = b"", 8
    while place < len(data):
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        stream += data[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        place += length + 12
    return len(zlib.decompressobj().decompress(stream, 28 * 29))


def ours(data: bytes) -> pictures.Grey | None:
    """What we make of the file; None where we refuse it."""
    try:
        return decode_image(data, limits=LIMITS, media_type="image/png")
    except InvalidImageError:
        return None


def assert_agreed(data: bytes) -> None:
    """We and Pillow find the same pixels, or both refuse."""
    expected, found = judge(data), ours(data)

    assert (expected is None) == (found is None)
    if expected is not None and found is not None:
        np.testing.assert_array_equal(expected, found)


@given(filtered_rows, st.none() | st.integers(0, 40))
def test_every_filter_gives_the_pixels_of_pillow(rows: bytes, cut: int | None) -> None:
    """Any row filters, in one IDAT chunk or in two."""
    assert_agreed(pictures.plain_grey_png(rows, cut=cut))


@given(st.binary(max_size=900), st.integers(0, 12))
@example(bytes(812) + b"more", 0)
@example(bytes(811), 0)
@example(bytes(27 * 29), 0)
@example(bytes(29), 3)
@example(bytes([5]) + bytes(811), 0)
@example(bytes([255]) * 812, 4)
def test_streams_of_any_length_and_filter_are_judged_alike(rows: bytes, cut: int) -> None:
    """Too few rows, too many, unknown filters, and streams that lack their last bytes."""
    stream = zlib.compress(rows)
    assert_agreed(pictures.png((28, 28, 8, 0, 0, 0, 0), stream[: len(stream) - cut]))


@given(st.integers(0, 200), st.integers(1, 255))
def test_damaged_streams_are_judged_alike(place: int, change: int) -> None:
    """One wrong byte in the compressed pixels, under a right checksum of the chunk."""
    stream = bytearray(zlib.compress(np.pad(pictures.ramp(), ((0, 0), (1, 0))).tobytes()))
    stream[place % len(stream)] ^= change
    assert_agreed(pictures.png((28, 28, 8, 0, 0, 0, 0), bytes(stream)))


@pytest.mark.parametrize("place", range(8, len(PLAIN)))
def test_no_wrong_byte_passes(place: int) -> None:
    """Every chunk is checked by its checksum, the pixels too, which Pillow does not do."""
    data = bytearray(PLAIN)
    data[place] ^= 0x10

    assert ours(bytes(data)) is None


def test_bytes_after_the_end_are_ignored() -> None:
    """What follows IEND is no part of the picture, as for every reader."""
    np.testing.assert_array_equal(pictures.ramp(), ours(PLAIN + b"trailing bytes"))


HEADER = (28, 28, 8, 0, 0, 0, 0)
ROWS = zlib.compress(bytes(812))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pictures.png(HEADER, ROWS, end=False), "truncated"),
        (pictures.png(HEADER, b""), "damaged or truncated"),
        (PLAIN[:8] + PLAIN[33:], "begins with a b'IDAT' chunk"),
        (PLAIN[:33] + PLAIN[8:], "a single one of 13 bytes"),
        (PLAIN[:33] + pictures.png_chunk(b"IEND", b""), "no IDAT chunk"),
        (PLAIN[:8] + pictures.png_chunk(b"IHDR", bytes(12)), "IHDR chunk of 12 bytes"),
    ],
)
def test_missing_and_misplaced_chunks_are_refused(data: bytes, words: str) -> None:
    """The message says which chunk is at fault."""
    with pytest.raises(InvalidImageError, match=words):
        decode_image(data, limits=LIMITS)


@pytest.mark.parametrize(("colour", "row_bytes"), [(0, 28), (2, 84), (4, 56), (6, 112)])
@pytest.mark.parametrize("interlaced", [0, 1])
def test_missing_rows_are_refused(colour: int, row_bytes: int, interlaced: int) -> None:
    """Pillow takes a stream that ends between two rows; of an interlaced file the last pass is the longest."""
    channels = row_bytes // 28
    passes = [(4, 4), (4, 4), (7, 4), (7, 7), (14, 7), (14, 14), (28, 14)] if interlaced else [(28, 28)]
    whole = b"".join(bytes(1 + columns * channels) * rows for columns, rows in passes)
    header = (28, 28, 8, colour, 0, 0, interlaced)
    last_row = 1 + row_bytes
    good = decode_image(pictures.png(header, zlib.compress(whole)), limits=LIMITS)

    assert not good.any()
    with pytest.raises(InvalidImageError, match="truncated"):
        decode_image(pictures.png(header, zlib.compress(whole[:-last_row])), limits=LIMITS)


def test_pixels_in_two_places_are_refused() -> None:
    """IDAT chunks must follow each other."""
    half = pictures.png(HEADER, ROWS, cut=5)
    second = half.index(b"IDAT", half.index(b"IDAT") + 4) - 4
    data = half[:second] + pictures.png_chunk(b"tEXt", b"a\x00b") + half[second:]

    with pytest.raises(InvalidImageError, match="between two IDAT chunks"):
        decode_image(data, limits=LIMITS)
