"""Where digits come from: a source named by the user -> training and test images; knows no model."""

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.config import TEST_SHARE, PreprocessName
from training.data.download import fetch_files, find_cache
from training.data.facts import FolderFacts
from training.data.folder import FolderImages, read_folder
from training.data.order import mix_if_ordered, order_by_content
from training.data.readers import (
    SIDE,
    Images,
    Labels,
    check_images,
    check_labels,
    read_idx_images,
    read_idx_labels,
    read_npz,
)
from training.data.small_digits import read_small_digits
from training.errors import DataError

# Images of which the smaller side of a split gets ten on average, so that it is never empty.
_FEWEST_OF_A_SIDE = 10


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
        split: Share of the images that was asked for as test images; None where the source has its own.
        folder: What else a folder of image files held; None for other sources.
    """

    name: str
    train_images: Images
    train_labels: Labels | None
    test_images: Images
    test_labels: Labels | None
    sha256: str
    split: float | None = None
    folder: FolderFacts | None = None


def load_data(source: str | None, *, preprocess: PreprocessName = "auto", split: float = TEST_SHARE) -> DigitData:
    """The digits of a source.

    Args:
        source: A directory with the four IDX files of MNIST, a `.npz` file, a directory of image files,
            `digits` for scikit-learn's small set, or None to download MNIST.
        preprocess: How image files become 28x28; see `training.data.folder.read_folder`.
        split: Share of the images to set aside for the test, in (0, 1); a source with a test part of its own keeps it.

    Raises:
        DataError: If there are none, or they are not 28x28 digits, or the share or `preprocess` does not fit them.
    """
    if not 0 < split < 1:
        raise DataError(f"a share of {split} is given for the test images, expected more than 0 and less than 1")
    try:
        data = _load(source, preprocess, split)
    except OSError as error:
        raise DataError(f"cannot read {source}: {error}") from error
    if preprocess == "mnist" and data.folder is None:
        raise DataError(f"{data.name} holds images of {SIDE}x{SIDE} already; only image files can be preprocessed")
    return data


def _load(source: str | None, preprocess: PreprocessName, split: float) -> DigitData:
    if source is None:
        return _load_idx("mnist", fetch_files(find_cache()))
    if source == "digits":
        return _split_by_content("digits", *read_small_digits(), split)
    path = Path(source)
    if source and path.is_dir():
        return _load_directory(path, preprocess, split)
    if path.suffix == ".npz" and path.is_file():
        return _load_npz(path, split)
    raise DataError(
        f"{source or 'an empty name'} is neither a directory nor an .npz file; see what --help says of --data"
    )


def name_source(path: Path) -> str:
    """The last part of a path, which says nothing of the rest of a machine; `.` and `..` have one too."""
    return path.name if path.name not in {"", ".."} else path.resolve().name


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


def _load_directory(folder: Path, preprocess: PreprocessName, split: float) -> DigitData:
    if _find_idx(folder, "train-images-idx3-ubyte") is not None:
        return _load_idx(name_source(folder), folder)
    found = read_folder(folder, preprocess)
    name = name_source(folder)
    if found.is_test is None:
        data = _split_by_content(name, found.images, found.labels, split)
    else:
        data = _take_given_parts(name, found, found.is_test)
    return dataclasses.replace(data, folder=found.facts)


def _take_given_parts(name: str, found: FolderImages, is_test: NDArray[np.bool_]) -> DigitData:
    _, order = order_by_content(found.images)  # a folder is often sorted by digit or by writer
    train, test = order[~is_test[order]], order[is_test[order]]
    for part, rows in (("train", train), ("test", test)):
        if not len(rows):
            raise DataError(f"no image is left below {name}/{part}; copies of test images are not trained on")
    labels = found.labels
    return _build(name, found.images[train], _take(labels, train), found.images[test], _take(labels, test))


def _load_idx(name: str, folder: Path) -> DigitData:
    train_images, train_labels = _read_idx_pair(folder, "train")
    test_images, test_labels = _read_idx_pair(folder, "t10k")
    train_images, train_labels = mix_if_ordered(train_images, train_labels)
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


def _load_npz(path: Path, split: float) -> DigitData:
    arrays = read_npz(path)
    if "images" in arrays:
        images = check_images(arrays["images"], f"images in {path}")
        return _split_by_content(path.stem, images, _npz_labels(arrays, "labels", len(images), path), split)
    if not {"x_train", "x_test"} <= arrays.keys():
        raise DataError(f"{path} holds {sorted(arrays)}, expected x_train and x_test, or images")
    train_images = check_images(arrays["x_train"], f"x_train in {path}")
    test_images = check_images(arrays["x_test"], f"x_test in {path}")
    train_labels = _npz_labels(arrays, "y_train", len(train_images), path)
    test_labels = _npz_labels(arrays, "y_test", len(test_images), path)
    return _build(path.stem, *mix_if_ordered(train_images, train_labels), test_images, test_labels)


def _npz_labels(arrays: dict[str, NDArray[np.generic]], key: str, images: int, path: Path) -> Labels | None:
    return check_labels(arrays[key], images, f"{key} in {path}") if key in arrays else None


def _split_by_content(name: str, images: Images, labels: Labels | None, share: float) -> DigitData:
    """Order by a hash of the pixels and make the first `share` of all hashes the test split.

    So copies of an image never lie on both sides, an image stays on its side when others are added, and
    the order does not follow the folders, which are often sorted by digit.
    """
    places, order = order_by_content(images)
    test, train = order[places < share], order[places >= share]
    if len(test) == 0 or len(train) == 0:
        enough = math.ceil(_FEWEST_OF_A_SIDE / min(share, 1 - share))
        raise DataError(
            f"{len(images)} images are too few to set a share of {share:g} aside for the test; "
            f"expected {enough} or more"
        )
    data = _build(name, images[train], _take(labels, train), images[test], _take(labels, test))
    return dataclasses.replace(data, split=share)


def _take(labels: Labels | None, rows: NDArray[np.int64]) -> Labels | None:
    return None if labels is None else labels[rows]


def _build(
    name: str, train_images: Images, train_labels: Labels | None, test_images: Images, test_labels: Labels | None
) -> DigitData:
    digest = hashlib.sha256(train_images.tobytes())
    digest.update(test_images.tobytes())
    return DigitData(name, train_images, train_labels, test_images, test_labels, digest.hexdigest())
