"""Arrays -> checked uint8 images, and npy both ways: the one rule for numbers.

Integers are 0..255, floats 0..1 (multiplied by 255 and rounded to the nearest integer); nothing is clipped.
"""

import ast
import math
import re
import struct
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.domain import IMAGE_BYTES, IMAGE_SIDE, Codes, Images, Rows
from service.errors import Fault, InvalidCodeError, InvalidImageError, MalformedRequestError

_MAGIC = b"\x93NUMPY"
# Version -> layout of the header's length, and the header's encoding.
_VERSIONS = {(1, 0): ("<H", "latin-1"), (2, 0): ("<I", "latin-1"), (3, 0): ("<I", "utf-8")}
# NumPy writes 118 bytes; `literal_eval` on more than NumPy's own bound may be slow.
_MAX_HEADER_BYTES = 10_000
_NUMBER_TYPE = re.compile(r"[<>|=]?(?:[iu][1248]|f[248]|b1)")
_SHAPES = "(28, 28), (n, 28, 28), (n, 28, 28, 1), (784,) or (n, 784)"


def to_images(array: Rows) -> Images:
    """Check numbers and make them images.

    Shapes: (28, 28), (n, 28, 28), (n, 28, 28, 1), (784,) or (n, 784) -> uint8 (n, 28, 28). A uint8 array is not
    copied.

    Raises:
        InvalidImageError: If the shape or type is another one, or a pixel is out of range or not finite; it names
            the first one.
    """
    return scale_pixels(_shape_images(array))


def scale_pixels(pixels: Rows) -> Images:
    """The rule for numbers, for pixels (n, 28, 28) or one picture (height, width) of any size.

    Raises:
        InvalidImageError: If the numbers are neither integers 0..255 nor floats 0..1; it names the first one.
    """
    if pixels.dtype == np.uint8:
        return pixels
    kind = pixels.dtype.kind
    if kind not in "iuf":
        raise InvalidImageError(f"got pixels of type {pixels.dtype}, expected integers 0..255 or floats 0..1")
    white = 1 if kind == "f" else 255
    # A NaN makes the comparison false, as it should.
    if pixels.size and not (pixels.min() >= 0 and pixels.max() <= white):
        raise _find_bad_pixel(pixels, white)
    if kind == "f":
        return np.rint(pixels * np.float32(255)).astype(np.uint8)
    return pixels.astype(np.uint8)


def parse_raw(data: bytes) -> Images:
    """n*784 raw bytes, row by row -> uint8 (n, 28, 28), which shares their memory.

    Raises:
        MalformedRequestError: If there is no byte.
        InvalidImageError: If the bytes are not whole images.
    """
    if not data:
        raise MalformedRequestError("the body is empty, expected n*784 bytes")
    if len(data) % IMAGE_BYTES:
        raise InvalidImageError(f"got {len(data)} bytes, expected a multiple of {IMAGE_BYTES}")
    return np.frombuffer(data, np.uint8).reshape(-1, IMAGE_SIDE, IMAGE_SIDE)


def parse_npy(data: bytes) -> Images:
    """A .npy file of images -> uint8 (n, 28, 28); the shapes and ranges of `to_images`.

    Raises:
        MalformedRequestError: If it is no npy file of numbers, not as long as its header says, or has no rows.
        InvalidImageError: If the numbers are not images.
    """
    return to_images(_read_npy(data))


def parse_codes_npy(data: bytes) -> Codes:
    """A .npy file of codes, (k,) or (n, k) numbers -> float32 (n, k).

    Raises:
        MalformedRequestError: If it is no npy file of numbers, not as long as its header says, or has no rows.
        InvalidCodeError: If the shape is another one, or a number is not finite as float32; it names the first one.
    """
    return to_codes(_read_npy(data))


def to_codes(array: Rows) -> Codes:
    """Check numbers and make them codes.

    Shapes: (k,) or (n, k) -> float32 (n, k).

    Raises:
        InvalidCodeError: If they are no numbers, the shape is another one, or a number is not finite as float32; it
            names the first one.
    """
    if array.dtype.kind not in "iuf":
        raise InvalidCodeError(f"got codes of type {array.dtype}, expected floats")
    if array.ndim not in {1, 2}:
        raise InvalidCodeError(f"got codes of shape {array.shape}, expected (code_dim,) or (n, code_dim)")
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, which is refused below
        codes = np.atleast_2d(array).astype(np.float32)
    finite = np.isfinite(codes)
    if not finite.all():
        row, column = (int(index) for index in np.argwhere(~finite)[0])
        detail = f"row {row}, column {column}: got {np.atleast_2d(array)[row, column]}, expected a finite float32"
        raise InvalidCodeError(detail, faults=(Fault(f"/{row}/{column}", detail),))
    return codes


def render_npy(array: NDArray[Any]) -> bytes:
    """The array as a .npy file, version 1."""
    stream = BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(array), version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def _shape_images(array: Rows) -> Rows:
    shape = array.shape
    if shape[-2:] == (IMAGE_SIDE, IMAGE_SIDE) and array.ndim in {2, 3}:
        return array.reshape(-1, IMAGE_SIDE, IMAGE_SIDE)
    if (array.ndim in {1, 2} and shape[-1] == IMAGE_BYTES) or shape[1:] == (IMAGE_SIDE, IMAGE_SIDE, 1):
        return array.reshape(-1, IMAGE_SIDE, IMAGE_SIDE)
    raise InvalidImageError(f"got an array of shape {shape}, expected {_SHAPES}")


def _find_bad_pixel(pixels: Rows, white: int) -> InvalidImageError:
    place = [int(index) for index in np.argwhere(~((pixels >= 0) & (pixels <= white)))[0]]
    *image, row, column = place
    expected = "a float in 0..1" if pixels.dtype.kind == "f" else "an integer in 0..255"
    where = "".join(f"image {index}, " for index in image) + f"row {row}, column {column}"
    detail = f"{where}: got {pixels[tuple(place)]}, expected {expected}"
    pointer = "".join(f"/{index}" for index in place)
    return InvalidImageError(detail, faults=(Fault(pointer, detail),))


def _read_npy(data: bytes) -> NDArray[Any]:
    """The array of a npy file, sharing the memory of `data`; no number in the header is trusted with an allocation."""
    dtype, shape, is_fortran, start = _read_npy_header(data)
    promised = math.prod(shape) * dtype.itemsize
    if promised != len(data) - start:
        raise MalformedRequestError(f"the npy header says {promised} bytes of data, the body has {len(data) - start}")
    if promised == 0:
        raise MalformedRequestError(f"got an npy array of shape {shape}, expected at least one row")
    return np.frombuffer(data, dtype, offset=start).reshape(shape, order="F" if is_fortran else "C")


def _read_npy_header(data: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    if not data.startswith(_MAGIC) or len(data) < len(_MAGIC) + 2:
        raise MalformedRequestError(f"got {len(data)} bytes that do not begin as an npy file does")
    version = data[6], data[7]
    if version not in _VERSIONS:
        raise MalformedRequestError(f"got an npy file of version {version}, expected 1.0, 2.0 or 3.0")
    layout, encoding = _VERSIONS[version]
    begin = 8 + struct.calcsize(layout)
    length = int.from_bytes(data[8:begin], "little")
    if length > _MAX_HEADER_BYTES or begin + length > len(data):
        raise MalformedRequestError(
            f"the npy header has {length} bytes, the limits are {_MAX_HEADER_BYTES} and the body"
        )
    return *_parse_npy_header(data[begin : begin + length], encoding), begin + length


def _parse_npy_header(text: bytes, encoding: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    try:
        fields = ast.literal_eval(text.decode(encoding).strip())
        dtype, shape, is_fortran = fields["descr"], fields["shape"], fields["fortran_order"]
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        raise MalformedRequestError("the npy header is no dictionary of descr, fortran_order and shape") from error
    if not isinstance(dtype, str) or not _NUMBER_TYPE.fullmatch(dtype):
        raise MalformedRequestError(f"the npy file holds {str(dtype)[:40]!r}, expected integers or floats")
    if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
        raise MalformedRequestError("the shape in the npy header is no tuple of natural numbers")
    return np.dtype(dtype), shape, bool(is_fortran)
