"""Sets of images that the user names: a file or a folder of 28x28 images each, called by the last part of its path."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from training.data.folder import read_folder
from training.data.load import load_fashion, name_source
from training.data.readers import Images, check_images, read_idx_images, read_npz
from training.errors import DataError, EvaluationError

# An archive's array of images, in this order: contract of our own data, then the part of MNIST's that is for tests.
_MEMBERS = ("images", "x_test")

# No guessing here: what makes a picture strange, its polarity too, is not to be repaired unasked.
GivenPreprocess: TypeAlias = Literal["strict", "mnist"]


@dataclass(frozen=True)
class GivenSets:
    """What the user brought along.

    Attributes:
        fashion: Pictures of clothes for the set of that name among the ten, uint8 (n, 28, 28), or None.
        others: uint8 (n, 28, 28) by name, in the order given.
    """

    fashion: Images | None
    others: dict[str, Images]


def load_given_sets(
    sources: Sequence[Path], fashion: Path | None = None, preprocess: GivenPreprocess = "strict"
) -> GivenSets:
    """Read every set.

    Args:
        sources: IDX files (.gz or not), .npz files, and folders of an IDX file of images or of image files. Without
            `fashion` the first one whose name begins with "fashion" is taken for it.
        fashion: See `training.data.load.load_fashion`.
        preprocess: How image files become 28x28; see `training.data.folder.read_folder`.

    Raises:
        DataError: If one cannot be read or holds something else than 28x28 images.
        EvaluationError: If two sets have one name.
    """
    given: dict[str, Images] = {}
    clothes = None if fashion is None else load_fashion(fashion)
    for source in sources:
        name, images = name_source(source), _load(source, preprocess)
        if clothes is None and name.lower().startswith("fashion"):
            clothes = images
            continue
        if name in given:
            raise EvaluationError(f"two sets are called {name}; rename one of the folders or files")
        given[name] = images
    return GivenSets(clothes, given)


def _load(source: Path, preprocess: GivenPreprocess) -> Images:
    try:
        if source.is_dir():
            return _load_folder(source, preprocess)
        if source.suffix == ".npz":
            return _load_archive(source)
        return read_idx_images(source)
    except OSError as error:
        raise DataError(f"cannot read {source}: {error}") from error


def _load_folder(folder: Path, preprocess: GivenPreprocess) -> Images:
    if any(folder.glob("*images-idx3-ubyte*")):
        return load_fashion(folder)
    return read_folder(folder, preprocess).images


def _load_archive(path: Path) -> Images:
    arrays = read_npz(path)
    member = next((name for name in (*_MEMBERS, *arrays) if name in arrays), None)
    if member is None or (member not in _MEMBERS and len(arrays) > 1):
        raise DataError(f"{path} holds {sorted(arrays)}, expected images, x_test, or one array alone")
    return check_images(arrays[member], f"{member} in {path}")
