"""Files, folders, globs and standard input, in order."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.cli.errors import UsageError
from service.cli.inputs import InputFile, find_files
from service.cli.reading import Item, read_items
from service.images import ImageLimits, Preprocess, render_npy, render_png

LIMITS = ImageLimits(2**16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with images, and with files that are none."""
    for name in ("b.png", "a.PNG", "below/c.jpg", "below/.hidden.png", "notes.txt", ".trash/d.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(render_png(np.zeros((28, 28), np.uint8)))
    return tmp_path


def read(path: Path, preprocess: Preprocess = "strict") -> list[Item]:
    """The rows of a file."""
    return list(read_items([InputFile(str(path), path.name)], LIMITS, preprocess))


def test_folder_gives_its_images_by_name(folder: Path) -> None:
    """Below it too, and nothing that is hidden or no image."""
    assert ["a.PNG", "b.png", "below/c.jpg"] == [file.name for file in find_files([str(folder)])]


def test_glob_is_filled_in_and_inputs_keep_their_order(folder: Path) -> None:
    """A file that is named itself may be called anything."""
    files = find_files([str(folder / "notes.txt"), str(folder / "*.png"), "-"])

    assert ["notes.txt", "b.png", "stdin"] == [file.name for file in files]


def test_name_with_a_wildcard_is_a_file_first(folder: Path) -> None:
    """As it is written."""
    (folder / "x[1].png").touch()
    (folder / "x1.png").touch()

    assert ["x[1].png"] == [file.name for file in find_files([str(folder / "x[1].png")])]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("gone.png", "gone.png is not there"),
        ("*.webp", "no images in "),
        ("empty", "no images in "),
        ("many.tar.gz", "many.tar.gz is an archive: `digitcodec bulk "),
    ],
)
def test_wrong_input_is_told(folder: Path, given: str, told: str) -> None:
    """Before any work is done."""
    (folder / "empty").mkdir()
    (folder / "many.tar.gz").touch()
    with pytest.raises(UsageError) as caught:
        find_files([str(folder / given)])

    assert told in str(caught.value)


def test_standard_input_is_read_once() -> None:
    """Not for two inputs."""
    with pytest.raises(UsageError, match="named twice"):
        find_files(["-", "-"])


def test_name_that_is_no_text_can_be_shown() -> None:
    """With its odd byte as a number."""
    assert "d\\xff.png" == InputFile("d\udcff.png", "d\udcff.png").shown


def test_bad_row_harms_no_other(tmp_path: Path) -> None:
    """Of an array with one pixel out of range."""
    array = np.full((3, 28, 28), 0.5)
    array[1, 2, 3] = 7
    (tmp_path / "three.npy").write_bytes(render_npy(array))
    items = read(tmp_path / "three.npy")

    assert [0, 1, 2] == [item.row for item in items]
    assert [True, False, True] == [item.image is not None for item in items]
    assert "got 7.0, expected a float in 0..1" in items[1].problem


@pytest.mark.parametrize("shape", [(28, 28), (784,)])
def test_array_of_one_image_is_one_row(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Also where it is bad."""
    (tmp_path / "bad.npy").write_bytes(render_npy(np.full(shape, 7.0)))
    (item,) = read(tmp_path / "bad.npy")

    assert ("invalid_image", None) == (item.reason, item.image)


def test_what_cannot_be_read_is_a_row_with_a_reason(tmp_path: Path) -> None:
    """A folder in the place of a file, text, a picture that is too large."""
    (tmp_path / "text.png").write_text("no picture")
    Image.new("L", (300, 300)).save(tmp_path / "large.png")
    reasons = [read(tmp_path / name)[0].reason for name in (".", "text.png", "large.png")]

    assert ["unreadable", "invalid_image", "too_large"] == reasons


def test_only_normalised_images_have_notes(tmp_path: Path) -> None:
    """As the service has it."""
    (tmp_path / "blank.png").write_bytes(render_png(np.zeros((28, 28), np.uint8)))

    assert ["", "no_ink"] == [
        read(tmp_path / "blank.png", "strict")[0].note,
        read(tmp_path / "blank.png", "mnist")[0].note,
    ]
