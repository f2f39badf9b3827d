"""Sets that the user names: every form they may come in, what they are called, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.errors import DataError, EvaluationError
from training.evaluation.given_sets import load_given_sets

NOISE: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)


def write_idx(path: Path, images: NDArray[np.uint8]) -> Path:
    """Write images as MNIST has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes((0, 0, 8, 3)) + np.array(images.shape, ">u4").tobytes() + images.tobytes())
    return path


def write_pngs(folder: Path, images: NDArray[np.uint8]) -> Path:
    """Write images as a folder of PNG files."""
    folder.mkdir(parents=True)
    for place, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{place}.png")
    return folder


def test_every_form_is_read_and_called_by_its_last_part(tmp_path: Path) -> None:
    """An IDX file, an archive, a folder of an IDX file and a folder of PNG images."""
    np.savez(tmp_path / "letters.npz", images=NOISE)
    sources = [
        write_idx(tmp_path / "raw-idx3-ubyte", NOISE),
        tmp_path / "letters.npz",
        write_idx(tmp_path / "kana" / "t10k-images-idx3-ubyte", NOISE).parent,
        write_pngs(tmp_path / "scans", NOISE),
    ]
    given = load_given_sets(sources)

    assert ["raw-idx3-ubyte", "letters.npz", "kana", "scans"] == list(given.others)
    assert all(np.array_equal(NOISE, images) for images in given.others.values())
    assert given.fashion is None


def test_pictures_are_taken_as_they_are(tmp_path: Path) -> None:
    """Dark ink on light paper is what is strange about these, so it is not turned."""
    light = np.full((3, 28, 28), 250, np.uint8)
    light[:, 5:20, 12:15] = np.array([10, 20, 30], np.uint8)[:, np.newaxis, np.newaxis]
    given = load_given_sets([write_pngs(tmp_path / "forms", light)])

    assert np.array_equal(light, given.others["forms"])


def test_pictures_are_made_into_digits_where_asked(tmp_path: Path) -> None:
    """Crops of another size can be compared with digits that were made from crops."""
    crops = np.zeros((2, 60, 40), np.uint8)
    crops[0, 10:50, 15:20] = crops[1, 20:30, 5:35] = 255
    given = load_given_sets([write_pngs(tmp_path / "crops", crops)], preprocess="mnist")

    assert (2, 28, 28) == given.others["crops"].shape


@pytest.mark.parametrize("name", ["fashion", "Fashion-MNIST", "fashion_mnist"])
def test_folder_of_fashion_stands_for_the_flag(tmp_path: Path, name: str) -> None:
    """So the ten sets are complete."""
    given = load_given_sets([write_idx(tmp_path / name / "t10k-images-idx3-ubyte", NOISE).parent])

    assert given.fashion is not None
    assert np.array_equal(NOISE, given.fashion)
    assert {} == given.others


def test_flag_comes_before_the_folder(tmp_path: Path) -> None:
    """With --fashion, a folder of such a name is a set of its own."""
    flag = write_idx(tmp_path / "clothes" / "t10k-images-idx3-ubyte", NOISE[:1])
    folder = write_idx(tmp_path / "fashion-photos" / "t10k-images-idx3-ubyte", NOISE).parent
    given = load_given_sets([folder], flag)

    assert given.fashion is not None
    assert 1 == len(given.fashion)
    assert ["fashion-photos"] == list(given.others)


def test_two_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    """Their figures could not be told apart."""
    folders = [write_pngs(tmp_path / parent / "scans", NOISE) for parent in "ab"]

    with pytest.raises(EvaluationError, match="two sets are called scans; rename one"):
        load_given_sets(folders)


def test_archive_with_one_array_needs_no_name_for_it(tmp_path: Path) -> None:
    """Of several, `images` or `x_test` is taken."""
    np.savez(tmp_path / "one.npz", letters=NOISE)
    np.savez(tmp_path / "more.npz", x_train=NOISE, x_test=NOISE[:2])
    given = load_given_sets([tmp_path / "one.npz", tmp_path / "more.npz"])

    assert [4, 2] == [len(images) for images in given.others.values()]


def test_archive_that_leaves_a_choice_is_refused(tmp_path: Path) -> None:
    """The error names what it holds."""
    np.savez(tmp_path / "both.npz", a=NOISE, b=NOISE)

    with pytest.raises(DataError, match=r"holds \['a', 'b'\], expected images, x_test, or one array alone"):
        load_given_sets([tmp_path / "both.npz"])


@pytest.mark.parametrize("name", ["nowhere", "nowhere.npz"])
def test_missing_source_is_refused(tmp_path: Path, name: str) -> None:
    """The error names it."""
    with pytest.raises(DataError, match=name):
        load_given_sets([tmp_path / name])


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    """An empty folder makes no set."""
    with pytest.raises(DataError, match="has neither"):
        load_given_sets([tmp_path])
