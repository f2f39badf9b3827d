"""A folder of image files -> images, labels and what the data report tells of it; knows no split and no model."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.config import PreprocessName
from training.data.crops import UnusableFileError, read_crop
from training.data.facts import FolderFacts, Polarity, SkippedFile
from training.data.pictures import Pictures, count_reasons
from training.data.readers import SIDE, Images, Labels
from training.data.walk import FoundFile, find_files
from training.errors import DataError

_LOG = logging.getLogger(__name__)
# Skipped files that the log names; the data report's JSON has all.
_NAMED = 20
_TEST, _TRAIN = "test", "train"
# Pictures of the other polarity that are still taken for a slip among MNIST-like ones.
_MOST_DARK_ON_LIGHT = 0.01


class FolderImages(NamedTuple):
    """What was read of a folder.

    Attributes:
        images: uint8 (n, 28, 28), n >= 1, all different, in no order that matters.
        labels: int64 (n,) if every image, or a copy of it, lies in a folder that is named by a digit, else None.
        is_test: bool (n,) in a folder of `train` and `test`, else None.
        facts: What else was found.
    """

    images: Images
    labels: Labels | None
    is_test: NDArray[np.bool_] | None
    facts: FolderFacts


def read_folder(folder: Path, preprocess: PreprocessName = "auto") -> FolderImages:
    """Every image file below a folder; what cannot be used is counted and reported.

    Where `folder` has both a `train` and a `test` folder, only what lies below them is read. Memory: the images, and
    one file at a time.

    Args:
        folder: Hidden files in it are ignored, links are followed.
        preprocess: `strict` takes 28x28 pixels as they are and skips other sizes. `mnist` takes any size and polarity
            and makes images as MNIST was made. `auto` decides once for the whole folder: `strict` if every picture is
            28x28 and at most one in a hundred is dark on light, otherwise `mnist`.

    Raises:
        DataError: If no image is left.
    """
    files, skipped = find_files(folder)
    has_parts = (folder / _TRAIN).is_dir() and (folder / _TEST).is_dir()
    if has_parts:
        skipped += [_skip_outside(file) for file in files if _find_part(file) is None]
        # Test first: of copies the first one stays, and the test part is to be as it was given.
        files = [file for part in (_TEST, _TRAIN) for file in files if _find_part(file) == part]
    if not files and not skipped:
        raise DataError(f"{folder} has neither train-images-idx3-ubyte(.gz) nor image files")
    pictures, chosen, reason = _read(files, preprocess)
    pictures.skipped[:0] = skipped
    facts = pictures.collect_facts(chosen, reason)
    _report_skipped(facts)
    if not pictures.files:
        raise _explain_emptiness(folder, facts)
    is_test = np.array([_find_part(file) == _TEST for file in pictures.files]) if has_parts else None
    return FolderImages(pictures.images, pictures.labels, is_test, facts)


def _read(files: list[FoundFile], preprocess: PreprocessName) -> tuple[Pictures, str, str]:
    """The pictures, how they became 28x28, and why so."""
    if preprocess != "auto":
        return _read_all(files, preprocess), preprocess, "as asked for"
    pictures, oddity = _try_strict(files)
    if oddity:
        return _read_all(files, "mnist"), "mnist", oddity
    dark = pictures.polarity[Polarity.DARK_ON_LIGHT]
    if dark > pictures.count * _MOST_DARK_ON_LIGHT:
        return _read_all(files, "mnist"), "mnist", f"because {dark} of {pictures.count} pictures are dark on light"
    return pictures, "strict", f"because every picture is {SIDE}x{SIDE}, and {dark or 'none'} of them dark on light"


def _read_all(files: list[FoundFile], preprocess: Literal["strict", "mnist"]) -> Pictures:
    pictures = Pictures(len(files))
    for file in _show_progress(files):
        try:
            pictures.add(file, read_crop(file.path, preprocess))
        except UnusableFileError as refusal:
            pictures.skip(file, refusal)
    return pictures


def _try_strict(files: list[FoundFile]) -> tuple[Pictures, str | None]:
    """The pictures as they are, up to the first one that only `mnist` can read; and what is odd about that one."""
    pictures = Pictures(len(files))
    for file in _show_progress(files):
        try:
            pictures.add(file, read_crop(file.path, "strict"))
        except UnusableFileError as refusal:
            try:
                read_crop(file.path, "mnist")
            except UnusableFileError as second:
                pictures.skip(file, second)
            else:
                return pictures, f"because {file.name} cannot be taken as it is: {refusal}"
    return pictures, None


def _show_progress(files: Iterable[FoundFile]) -> Iterable[FoundFile]:
    # disable=None: a bar on a terminal, nothing elsewhere.
    return tqdm(files, desc="reading", unit=" files", disable=None, leave=False, dynamic_ncols=True)


def _find_part(file: FoundFile) -> str | None:
    top, below, _ = file.name.partition("/")
    return top if below and top in {_TEST, _TRAIN} else None


def _skip_outside(file: FoundFile) -> SkippedFile:
    detail = "the folder has a train and a test part, and this is in neither"
    return SkippedFile(file.name, "outside train and test", detail)


def _report_skipped(facts: FolderFacts) -> None:
    if not facts.skipped:
        return
    _LOG.warning("left out %d of %d files: %s", len(facts.skipped), facts.files, _render_reasons(facts))
    for file in facts.skipped[:_NAMED]:
        _LOG.warning("  %s: %s", file.path, file.detail)
    if len(facts.skipped) > _NAMED:
        _LOG.warning("  and %d more; python -m training survey --output FILE lists all", len(facts.skipped) - _NAMED)


def _render_reasons(facts: FolderFacts) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in count_reasons(facts.skipped).items())


def _explain_emptiness(folder: Path, facts: FolderFacts) -> DataError:
    first = facts.skipped[0]
    return DataError(
        f"no image could be used of {facts.files} files in {folder}: {_render_reasons(facts)}; "
        f"the first is {first.path}: {first.detail}"
    )
