"""The short cut for plain PNGs against the strict way: the same pixels, the same refusals."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.fakes import count_images

from service.errors import DigitCodecError, PayloadTooLargeError
from service.images import ImageLimits, decode_image, render_png
from service.images.plain_png import HAS_DECODER, decode_plain, is_plain

LIMITS = ImageLimits(max_pixels=2**16)
HEAD_BYTES, END_BYTES = 33, 12

images = st.binary(min_size=784, max_size=784).map(lambda data: np.frombuffer(data, np.uint8).reshape(28, 28))


def write_png(image: np.ndarray, **options: int) -> bytes:
    """The image as Pillow writes it: its rows have all five kinds of filter."""
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG", **options)
    return file.getvalue()


def put_pixels(stream: bytes) -> bytes:
    """A plain file around a compressed stream, whatever that holds."""
    whole = render_png(count_images(1)[0])
    chunk = b"IDAT" + stream
    checksum = zlib.crc32(chunk).to_bytes(4, "big")
    return whole[:HEAD_BYTES] + len(stream).to_bytes(4, "big") + chunk + checksum + whole[-END_BYTES:]


@contextmanager
def strict_way() -> Iterator[None]:
    """As if libspng were not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.images.files.HAS_DECODER", False)
        yield


def read(data: bytes) -> np.ndarray | tuple[type[DigitCodecError], str]:
    """The pixels of a file, or how it is refused."""
    try:
        return decode_image(data, limits=LIMITS)
    except DigitCodecError as error:
        return type(error), error.detail


def assert_both_ways_agree(data: bytes) -> None:
    """What is read, or refused, is the same."""
    quick = read(data)
    with strict_way():
        strict = read(data)
    if isinstance(strict, np.ndarray):
        np.testing.assert_array_equal(strict, quick)
    else:
        assert strict == quick


def test_the_decoder_is_installed() -> None:
    """Else the tests below compare the strict way with itself."""
    assert HAS_DECODER


@given(images, st.integers(0, 9))
def test_pixels_are_those_of_the_strict_way(image: np.ndarray, level: int) -> None:
    """Whatever is drawn, and however it is compressed."""
    data = write_png(image, compress_level=level)

    assert is_plain(data)
    np.testing.assert_array_equal(image, decode_plain(data))
    assert_both_ways_agree(data)


@given(st.data())
def test_damaged_files_are_refused_alike(data: st.DataObject) -> None:
    """Bytes changed, taken out or put in, anywhere."""
    file = bytearray(write_png(count_images(3)[data.draw(st.integers(0, 2))]))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(file) - 1))
        file[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))

    assert_both_ways_agree(bytes(file))


@given(st.binary(max_size=40), st.integers(700, 900), st.integers(0, 255))
def test_damaged_streams_are_refused_alike(noise: bytes, size: int, fill: int) -> None:
    """The checksum of the chunk is right, but the stream in it is too short, too long, of no filter, or no stream."""
    stream = zlib.compress(bytes([fill]) * size)
    for damaged in (stream, stream + noise, stream[: -len(noise) or None], noise, zlib.compress(noise * 30)):
        assert_both_ways_agree(put_pixels(damaged))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(write_png(count_images(1)[0])[:-1], id="cut off"),
        pytest.param(write_png(count_images(1)[0]) + b"\0", id="more behind it"),
        pytest.param(write_png(np.zeros((27, 28), np.uint8)), id="another size"),
        pytest.param(write_png(np.zeros((28, 28), np.uint16)), id="16 bits"),
        pytest.param(write_png(np.zeros((28, 28, 3), np.uint8)), id="colours"),
        pytest.param(write_png(count_images(1)[0], dpi=(72, 72)), id="another chunk"),  # type: ignore[arg-type]
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="a signature"),
    ],
)
def test_anything_else_is_not_plain(data: bytes) -> None:
    """It takes the strict way."""
    assert not is_plain(data)
    assert_both_ways_agree(data)


def test_limit_of_pixels_holds() -> None:
    """An operator may allow fewer than one image has."""
    with pytest.raises(PayloadTooLargeError):
        decode_image(write_png(count_images(1)[0]), limits=ImageLimits(max_pixels=783))
