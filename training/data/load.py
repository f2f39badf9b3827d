"""Where digits come from: a source named by the user -> training and test images; knows no model."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.download import fetch_files, find_cache
from training.data.readers import (
    SIDE,
    Images,
    Labels,
    check_images,
    check_labels,
    find_pngs,
    read_idx_images,
    read_idx_labels,
    read_npz,
    read_png_folder,
)
from training.errors import DataError

# MNIST drew its digits 20 pixels high inside 28; the small digits are brought to the same proportions.
_DIGIT_SIDE = 20
_TEST_SHARE = 0.1
# The last twelfth of MNIST is held out, the last fifth of what is small.
_LAST_PARTS = (12, 5)
# Images drawn by chance are further away than this many times the classes once in fifty; to mix those harms nothing.
_CHANCE_DISTANCE = 2
# For each image: a drift too small to harm a calibration. MNIST's own last parts are nearer than chance alone allows.
_HARMLESS_DISTANCE = 0.05


@dataclass(frozen=True)
class DigitData:
    """Images to train on and images to report on; ink is bright on dark.

    Attributes:
        name: What the source is called in logs and on the model card.
        train_images: uint8 (n, 28, 28).
        train_labels: int64 (n,), or None where the source has none.
        test_images: uint8 (m, 28, 28).
        test_labels: int64 (m,), or None.
        sha256: Hex digest over the pixels of both, the training images first.
    """

    name: str
    train_images: Images
    train_labels: Labels | None
    test_images: Images
    test_labels: Labels | None
    sha256: str


def load_data(source: str | None) -> DigitData:
    """The digits of a source.

    Args:
        source: A directory with the four IDX files of MNIST, a `.npz` file, a directory of PNG images,
            `digits` for scikit-learn's small set, or None to download MNIST.

    Raises:
        DataError: If there are none, or they are not 28x28 digits.
    """
    if source is None:
        return _load_idx("mnist", fetch_files(find_cache()))
    if source == "digits":
        return _load_small_digits()
    try:
        return _load_path(Path(source), source)
    except OSError as error:
        raise DataError(f"cannot read {source}: {error}") from error


def _load_path(path: Path, source: str) -> DigitData:
    if source and path.is_dir():
        return _load_directory(path)
    if path.suffix == ".npz" and path.is_file():
        return _load_npz(path)
    raise DataError(
        f"{source or 'an empty name'} is neither a directory nor an .npz file; see what --help says of --data"
    )


def name_source(path: Path) -> str:
    """The last part of a path, which says nothing of the rest of a machine; `.` and `..` have one too."""
    return path.name if path.name not in {"", ".."} else path.resolve().name


def split_held_out(images: Images, held_out: int) -> tuple[Images, Images]:
    """Set the last images aside, to watch the fit and to calibrate the score: (to fit, held out).

    Of MNIST's 60,000 the last 5,000 are, which is a convention: its order is mixed by digit, not by writer, so
    they are other writers' digits. Where fewer than twice `held_out` images came, a fifth of them is held out.

    Raises:
        DataError: If fewer than 5 images came.
    """
    if len(images) < 5:
        raise DataError(f"{len(images)} images are left to train on, expected at least 5")
    if len(images) < 2 * held_out:
        held_out = len(images) // 5
    return images[:-held_out], images[-held_out:]


def load_fashion(source: Path) -> Images:
    """Pictures of clothes, which are no digits: uint8 (n, 28, 28), from an IDX file or the first one in a folder.

    Raises:
        DataError: If there is no such file, or it holds something else.
    """
    if source.is_file():
        return read_idx_images(source)
    found = sorted(source.glob("*images-idx3-ubyte*"))
    if not found:
        raise DataError(f"{source} has no file *images-idx3-ubyte*")
    return read_idx_images(found[0])


def _load_directory(folder: Path) -> DigitData:
    if _find_idx(folder, "train-images-idx3-ubyte") is not None:
        return _load_idx(name_source(folder), folder)
    if not find_pngs(folder):
        raise DataError(f"{folder} has neither train-images-idx3-ubyte(.gz) nor PNG images")
    images, labels = read_png_folder(folder)
    return _split_by_content(name_source(folder), images, labels)


def _load_idx(name: str, folder: Path) -> DigitData:
    train_images, train_labels = _read_idx_pair(folder, "train")
    test_images, test_labels = _read_idx_pair(folder, "t10k")
    train_images, train_labels = _mix_if_ordered(train_images, train_labels)
    return _build(name, train_images, train_labels, test_images, test_labels)


def _read_idx_pair(folder: Path, part: str) -> tuple[Images, Labels | None]:
    path = _find_idx(folder, f"{part}-images-idx3-ubyte")
    if path is None:
        raise DataError(f"{folder} has no {part}-images-idx3-ubyte(.gz)")
    images = read_idx_images(path)
    labels = _find_idx(folder, f"{part}-labels-idx1-ubyte")
    return images, None if labels is None else read_idx_labels(labels, len(images))


def _find_idx(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _load_npz(path: Path) -> DigitData:
    arrays = read_npz(path)
    if "images" in arrays:
        images = check_images(arrays["images"], f"images in {path}")
        return _split_by_content(path.stem, images, _npz_labels(arrays, "labels", len(images), path))
    if not {"x_train", "x_test"} <= arrays.keys():
        raise DataError(f"{path} holds {sorted(arrays)}, expected x_train and x_test, or images")
    train_images = check_images(arrays["x_train"], f"x_train in {path}")
    test_images = check_images(arrays["x_test"], f"x_test in {path}")
    train_labels = _npz_labels(arrays, "y_train", len(train_images), path)
    test_labels = _npz_labels(arrays, "y_test", len(test_images), path)
    return _build(path.stem, *_mix_if_ordered(train_images, train_labels), test_images, test_labels)


def _npz_labels(arrays: dict[str, NDArray[np.generic]], key: str, images: int, path: Path) -> Labels | None:
    return check_labels(arrays[key], images, f"{key} in {path}") if key in arrays else None


def _load_small_digits() -> DigitData:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.stack([_enlarge(small) for small in digits.images])
    return _split_by_content("digits", images, digits.target.astype(np.int64))


def _enlarge(small: NDArray[np.float64]) -> Images:
    """8x8 in 0..16 -> 28x28 uint8, the digit 20 pixels high in the middle."""
    grey = Image.fromarray(np.rint(small * (255 / 16)).astype(np.uint8))
    digit = grey.resize((_DIGIT_SIDE, _DIGIT_SIDE), Image.Resampling.BICUBIC)
    margin = (SIDE - _DIGIT_SIDE) // 2
    return np.pad(np.asarray(digit), margin)


def _split_by_content(name: str, images: Images, labels: Labels | None) -> DigitData:
    """Order by a hash of the pixels and make the first tenth of all hashes the test split.

    So copies of an image never lie on both sides, an image stays on its side when others are added, and
    the order does not follow the folders, which are often sorted by digit.
    """
    places, order = _order_by_content(images)
    test, train = order[places < _TEST_SHARE], order[places >= _TEST_SHARE]
    if len(test) == 0 or len(train) == 0:
        raise DataError(f"{len(images)} images are too few to set a tenth aside for the test; expected 100 or more")
    return _build(name, images[train], _take(labels, train), images[test], _take(labels, test))


def _take(labels: Labels | None, rows: NDArray[np.int64]) -> Labels | None:
    return None if labels is None else labels[rows]


def _mix_if_ordered(images: Images, labels: Labels | None) -> tuple[Images, Labels | None]:
    """Reorder images whose last ones, to be held out, show other digits than the whole; else all might be nines."""
    if labels is None or not any(_is_far(labels, len(labels) // part) for part in _LAST_PARTS):
        return images, labels
    _, order = _order_by_content(images)
    return images[order], labels[order]


def _is_far(labels: Labels, last: int) -> bool:
    """True where the classes of the last labels are further from the whole's than chance and a small drift go."""
    if not last:
        return False
    classes, places = np.unique(labels, return_inverse=True)
    expected = np.bincount(places) * (last / len(labels))
    distance = np.sum(np.square(np.bincount(places[-last:], minlength=len(classes)) - expected) / expected)
    return bool(distance > _CHANCE_DISTANCE * len(classes) + _HARMLESS_DISTANCE * last)


def _order_by_content(images: Images) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A place in [0, 1) for each image, from its pixels alone, ascending; and the images' order by it."""
    digests = [hashlib.sha256(image.tobytes()).digest() for image in images]
    places = np.array([int.from_bytes(digest[:6]) / 2**48 for digest in digests])
    order = np.argsort(places, kind="stable")
    return places[order], order


def _build(
    name: str, train_images: Images, train_labels: Labels | None, test_images: Images, test_labels: Labels | None
) -> DigitData:
    digest = hashlib.sha256(train_images.tobytes())
    digest.update(test_images.tobytes())
    return DigitData(name, train_images, train_labels, test_images, test_labels, digest.hexdigest())
