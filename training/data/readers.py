"""Files -> arrays: IDX and NumPy archives; each reader checks what it reads and guesses nothing."""

import gzip
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from training.errors import DataError

SIDE = 28
IDX_UNSIGNED_BYTE = 8
# Images have three, four with a channel; NumPy ends at 64, a header can say 255.
_MOST_DIMENSIONS = 4
# How a zip archive begins, and a bare array of NumPy's.
_ZIP_MAGIC, _NPY_MAGIC = b"PK", b"\x93NUMPY"

# RuntimeError: encrypted, or compressed by something unknown. MemoryError: a header that announces terabytes.
_NPZ_ERRORS = (OSError, ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes, gzipped or not; of at most 4 dimensions.

    Source: the description of the IDX format on the MNIST page: two zero bytes, a type, the number of
    dimensions, each dimension as a big-endian 32-bit number, then the values.

    Raises:
        DataError: If the file cannot be read or its header and length disagree.
    """
    content = _read_bytes(path)
    if len(content) < 4 or content[:3] != bytes((0, 0, IDX_UNSIGNED_BYTE)):
        raise DataError(f"{path} begins with {content[:4].hex() or 'nothing'}, expected 000008 (IDX, unsigned bytes)")
    if content[3] > _MOST_DIMENSIONS:
        raise DataError(f"{path} announces {content[3]} dimensions, the most are {_MOST_DIMENSIONS}")
    header = 4 + 4 * content[3]
    if len(content) < header:
        raise DataError(f"{path} has {len(content)} bytes, its IDX header alone takes {header}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", content[3], 4))
    values = np.frombuffer(content, np.uint8, offset=header)
    if values.size != np.prod(shape, dtype=object):
        raise DataError(f"{path} has {values.size} bytes of values, its header announces {shape}")
    try:
        return values.reshape(shape)
    except ValueError as error:  # no values at all, of more pixels than an address can count
        raise DataError(f"{path} announces {shape}, which no array can have") from error


def read_idx_images(path: Path) -> Images:
    """The images in an IDX file: uint8 (n, 28, 28), n >= 1.

    Raises:
        DataError: As `read_idx`, or if it holds something else.
    """
    return check_images(read_idx(path), str(path))


def read_idx_labels(path: Path, images: int) -> Labels:
    """The labels in an IDX file: int64 (images,).

    Raises:
        DataError: As `read_idx`, or if there is not one label for each image.
    """
    return check_labels(read_idx(path), images, str(path))


def read_npz(path: Path) -> dict[str, NDArray[np.generic]]:
    """Every array of a NumPy archive, by name; pickled objects are refused.

    Raises:
        DataError: If it is no such archive, is damaged, or holds objects.
    """
    try:
        # Opened here, because NumPy leaves a damaged file open.
        with path.open("rb") as file:
            _check_npz_magic(path, file.read(len(_NPY_MAGIC)))
            file.seek(0)
            archive: NpzFile = np.load(file, allow_pickle=False)
            return {name: _check_member(archive[name], name, path) for name in archive.files}
    except _NPZ_ERRORS as error:
        raise DataError(f"{path} is no readable .npz archive: {error}") from error


def _check_npz_magic(path: Path, magic: bytes) -> None:
    if magic == _NPY_MAGIC:
        raise DataError(f"{path} is a bare array, expected an .npz archive of named arrays")
    if not magic.startswith(_ZIP_MAGIC):
        raise DataError(f"{path} is no readable .npz archive: it begins with {magic.hex() or 'nothing'}")


def _check_member(member: object, name: str, path: Path) -> NDArray[np.generic]:
    if not isinstance(member, np.ndarray):
        raise DataError(f"{name} in {path} is no array, expected nothing but arrays")
    return member


def check_images(array: NDArray[np.generic], where: str) -> Images:
    """The array as images: uint8 (n, 28, 28), n >= 1.

    Takes (n, 28, 28), (n, 28, 28, 1) and (n, 784); integers are 0..255, floats 0..1.

    Raises:
        DataError: If the shape or a value is something else.
    """
    count = array.shape[0] if array.ndim else 0
    if count == 0 or array.shape[1:] not in {(SIDE, SIDE), (SIDE, SIDE, 1), (SIDE * SIDE,)}:
        raise DataError(f"{where} has shape {array.shape}, expected (n, {SIDE}, {SIDE}) with n >= 1")
    return _to_bytes(array, where).reshape(count, SIDE, SIDE)


def check_labels(array: NDArray[np.generic], images: int, where: str) -> Labels:
    """The array as labels: int64 (images,), each 0..9.

    Raises:
        DataError: If it does not hold one digit for each image.
    """
    if array.shape != (images,) or array.dtype.kind not in "iu":
        raise DataError(f"{where} has shape {array.shape} of {array.dtype}, expected ({images},) of integers")
    if images and not 0 <= array.min() <= array.max() <= 9:
        raise DataError(f"{where} holds labels from {array.min()} to {array.max()}, expected 0..9")
    return array.astype(np.int64)


def _to_bytes(array: NDArray[np.generic], where: str) -> Images:
    if array.dtype == np.uint8:
        return array.astype(np.uint8)
    limit = {"i": 255, "u": 255, "f": 1}.get(array.dtype.kind)
    if limit is None:
        raise DataError(f"{where} holds {array.dtype}, expected integers 0..255 or floats 0..1")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= limit):  # written so that NaN is refused
        raise DataError(f"{where} holds {array.dtype} from {low} to {high}, expected 0..{limit}")
    return np.rint(array.astype(np.float64) * (255 / limit)).astype(np.uint8)


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {path}: {error}") from error
