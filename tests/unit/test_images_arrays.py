"""Arrays, npy files and raw bytes: one rule for numbers, and no trust in a header."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from support import pictures

from service.errors import InvalidCodeError, InvalidImageError, MalformedRequestError
from service.images import parse_codes_npy, parse_npy, parse_raw, render_npy, to_images

RAMP = pictures.ramp()
TWO = np.stack([RAMP, RAMP.T])


@pytest.mark.parametrize(
    "array", [TWO, TWO.reshape(2, 784), TWO[..., None], TWO.astype(np.int64), np.asfortranarray(TWO)]
)
def test_every_shape_of_two_images_is_taken(array: Any) -> None:
    """(n, 28, 28), (n, 784) and (n, 28, 28, 1) mean the same images, in either memory order."""
    np.testing.assert_array_equal(TWO, to_images(array))
    np.testing.assert_array_equal(TWO, parse_npy(render_npy(array)))


@pytest.mark.parametrize("array", [RAMP, RAMP.ravel()])
def test_one_image_becomes_a_row(array: Any) -> None:
    """(28, 28) and (784,) are one image."""
    np.testing.assert_array_equal(RAMP[None], to_images(array))


@pytest.mark.parametrize("dtype", ["f2", "<f4", ">f4", "f8"])
def test_float_becomes_the_nearest_level(dtype: str) -> None:
    """k/255 is level k in every precision."""
    np.testing.assert_array_equal(TWO, parse_npy(render_npy((TWO / 255).astype(dtype))))


@settings(max_examples=30)
@given(npst.arrays(np.float32, (28, 28), elements=st.floats(0, 1, width=32)))
def test_float_is_rounded_and_not_cut(pixels: Any) -> None:
    """No pixel moves by more than half a level."""
    assert np.abs(to_images(pixels)[0] - pixels * 255.0).max() <= 0.5 + 1e-4


@pytest.mark.parametrize(
    ("value", "dtype", "words"),
    [
        (256, np.int16, "image 1, row 2, column 3: got 256, expected an integer in 0..255"),
        (-1, np.int8, "image 1, row 2, column 3: got -1, expected an integer in 0..255"),
        (2**63, np.uint64, "image 1, row 2, column 3: got 9223372036854775808, expected"),
        (np.nan, np.float32, "image 1, row 2, column 3: got nan, expected a float in 0..1"),
        (np.inf, np.float64, "image 1, row 2, column 3: got inf, expected a float in 0..1"),
        (1.5, np.float16, "image 1, row 2, column 3: got 1.5, expected a float in 0..1"),
        (-0.25, np.float32, "image 1, row 2, column 3: got -0.25, expected a float in 0..1"),
    ],
)
def test_first_bad_pixel_is_named(value: float, dtype: Any, words: str) -> None:
    """The error says image, row, column, value and range, and points there."""
    array = np.zeros((3, 28, 28), dtype)
    array[1, 2, 3] = array[2, 0, 0] = value

    with pytest.raises(InvalidImageError) as caught:
        to_images(array)
    assert caught.value.detail.startswith(words)
    assert ["/1/2/3"] == [fault.pointer for fault in caught.value.faults]


@pytest.mark.parametrize("array", [np.zeros((28, 28), bool), np.zeros((28, 28), complex), np.full((28, 28), "a")])
def test_other_types_are_refused(array: Any) -> None:
    """Booleans, complex numbers and text are no pixels."""
    with pytest.raises(InvalidImageError, match=f"type {array.dtype}"):
        to_images(array)


@pytest.mark.parametrize(
    "shape", [(), (28,), (27, 28), (783,), (28, 28, 2), (2, 28, 28, 3), (1, 1, 28, 28), (28, 28, 28, 28)]
)
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    """The error says the shape that came and those that are taken."""
    with pytest.raises(InvalidImageError) as caught:
        to_images(np.zeros(shape, np.uint8))
    assert f"got an array of shape {shape}, expected (28, 28)," in caught.value.detail


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_versions_are_read(version: tuple[int, int]) -> None:
    """All three versions of the format are read."""
    np.testing.assert_array_equal(RAMP[None], parse_npy(pictures.npy("'|u1'", "(28, 28)", RAMP.tobytes(), version)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes that do not begin"),
        (b"\x93NUMPY", "6 bytes that do not begin"),
        (b"hello, this is text", "do not begin"),
        (b"\x93NUMPY\x04\x00\x00\x00", "version \\(4, 0\\)"),
        (b"\x93NUMPY\x01\x00\xff\xff{}", "header has 65535 bytes"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "header has 4294967295 bytes"),
        (b"\x93NUMPY\x01\x00\x04\x00 {} ", "no dictionary"),
        (b"\x93NUMPY\x01\x00\x03\x00\xff\xff(", "no dictionary"),
        (b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"(" * 9000, "no dictionary"),
        (pictures.npy("'|O'", "(1,)", b"\x80\x04N."), "holds '\\|O'"),
        (pictures.npy("'<U99'", "(1,)", bytes(396)), "holds '<U99'"),
        (pictures.npy("[('a', '<f4')]", "(1,)", bytes(4)), "holds .*<f4"),
        (pictures.npy("'|u1'", "(1, 28, -28)", b""), "natural numbers"),
        (pictures.npy("'|u1'", "(1, 28, True)", b""), "natural numbers"),
        (pictures.npy("'|u1'", "784", bytes(784)), "natural numbers"),
        (pictures.npy("'<f8'", "(10**9, 28, 28)", b""), "no dictionary"),
        (
            pictures.npy("'<f8'", "(1000000000, 28, 28)", bytes(784)),
            "says 6272000000000 bytes of data, the body has 784",
        ),
        (pictures.npy("'|u1'", "(1, 28, 28)", bytes(785)), "says 784 bytes of data, the body has 785"),
        (pictures.npy("'|u1'", "(0, 28, 28)", b""), "expected at least one row"),
    ],
)
def test_npy_that_cannot_be_parsed_is_malformed(data: bytes, words: str) -> None:
    """Structure is checked before numbers, at once, and no size in the header is trusted."""
    began_s = time.monotonic()
    for parse in (parse_npy, parse_codes_npy):
        with pytest.raises(MalformedRequestError, match=words):
            parse(data)
    assert time.monotonic() - began_s < 1


def test_raw_bytes_are_rows() -> None:
    """784 bytes are one image, in row order."""
    np.testing.assert_array_equal(TWO, parse_raw(TWO.tobytes()))


def test_raw_bytes_must_be_whole_images() -> None:
    """No bytes are a malformed request; a part of an image is an invalid one."""
    with pytest.raises(MalformedRequestError, match="empty"):
        parse_raw(b"")
    with pytest.raises(InvalidImageError, match="got 785 bytes, expected a multiple of 784"):
        parse_raw(bytes(785))


@pytest.mark.parametrize("dtype", ["f2", "<f4", ">f4", "f8", "i4"])
def test_codes_become_float32(dtype: str) -> None:
    """Codes of any number type are read; one code becomes a row."""
    codes = parse_codes_npy(render_npy(np.arange(6).reshape(2, 3).astype(dtype)))

    assert np.float32 == codes.dtype
    assert [[0, 1, 2], [3, 4, 5]] == codes.tolist()
    assert (1, 4) == parse_codes_npy(render_npy(np.zeros(4, dtype))).shape


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([[0, 1], [2, np.inf]]), "row 1, column 1: got inf, expected a finite float32"),
        (np.array([[0, np.nan]]), "row 0, column 1: got nan"),
        (np.array([0, 1e300]), "row 0, column 1: got 1e\\+300"),
        (np.zeros((2, 3, 4)), "shape \\(2, 3, 4\\)"),
        (np.zeros(3, bool), "type bool"),
    ],
)
def test_bad_codes_are_refused(array: Any, words: str) -> None:
    """Infinite, NaN, too large for float32, of another shape or type."""
    with pytest.raises(InvalidCodeError, match=words):
        parse_codes_npy(render_npy(array))


def test_npy_is_what_numpy_reads(tmp_path: Any) -> None:
    """A rendered file is read by NumPy itself."""
    path = tmp_path / "images.npy"
    path.write_bytes(render_npy(TWO))

    np.testing.assert_array_equal(TWO, np.load(path))
