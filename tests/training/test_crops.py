"""Folders of one's own image files: read as the service reads them, told apart, parted, and nothing lost silently."""

import logging
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.pictures import animate, bomb_png, encode, png_chunk

from service.images import ImageLimits, decode_image
from training.data.facts import Polarity, SizeCount
from training.data.folder import FolderImages, read_folder
from training.data.load import load_data
from training.errors import DataError

Images = NDArray[np.uint8]
_ORIENTATION = 0x0112


@cache
def small_digits() -> NDArray[np.float64]:
    """scikit-learn's digits, (1797, 8, 8) in [0, 1]."""
    from sklearn.datasets import load_digits

    pictures: NDArray[np.float64] = load_digits().images / 16
    return pictures


def draw(place: int, side: int = 60, margin: int = 10, paper: int = 250, ink: int = 20) -> Image.Image:
    """One digit, enlarged, with its own paper and ink."""
    grey = Image.fromarray(np.rint(small_digits()[place] * 255).astype(np.uint8))
    share = np.pad(np.asarray(grey.resize((side, side), Image.Resampling.BICUBIC)), margin) / 255
    return Image.fromarray(np.rint(paper + (ink - paper) * share).astype(np.uint8))


def draw_like_mnist(place: int) -> Image.Image:
    """One digit of 20 pixels in 28x28, bright on dark."""
    return draw(place, side=20, margin=4, paper=0, ink=255)


def turn(picture: Image.Image, place: int) -> bytes:
    """A JPEG that lies on its side, with the Exif orientation that says so."""
    exif = Image.Exif()
    exif[_ORIENTATION] = (3, 6, 8)[place % 3]
    return encode(picture, "JPEG", exif=exif)


def draw_transparent(place: int) -> Image.Image:
    """Dark ink on transparent paper."""
    alpha = Image.fromarray(255 - np.asarray(draw(place, paper=255, ink=0)))
    return Image.merge("LA", (Image.new("L", alpha.size), alpha))


CROPS: dict[str, tuple[Callable[[int], bytes], Polarity]] = {
    "enlarged": (lambda place: encode(draw(place, 100), "PNG"), Polarity.DARK_ON_LIGHT),
    "small": (lambda place: encode(draw(place, 12, 2), "PNG"), Polarity.DARK_ON_LIGHT),
    "bright on dark": (lambda place: encode(draw(place, paper=0, ink=255), "PNG"), Polarity.LIGHT_ON_DARK),
    "grey paper": (lambda place: encode(draw(place, paper=150, ink=60), "BMP"), Polarity.DARK_ON_LIGHT),
    "wide margins": (lambda place: encode(draw(place, margin=200), "GIF"), Polarity.DARK_ON_LIGHT),
    "photograph": (lambda place: encode(draw(place).convert("RGB"), "JPEG", quality=60), Polarity.DARK_ON_LIGHT),
    "turned by Exif": (lambda place: turn(draw(place), place), Polarity.DARK_ON_LIGHT),
    "transparent": (lambda place: encode(draw_transparent(place), "WEBP"), Polarity.DARK_ON_LIGHT),
    "sixteen bits": (
        lambda place: encode(np.asarray(draw(place, paper=0, ink=255)).astype(np.uint16) * 100, "PNG"),
        Polarity.LIGHT_ON_DARK,
    ),
    "palette": (lambda place: encode(draw(place).convert("P"), "TIFF"), Polarity.DARK_ON_LIGHT),
    "28x28 on paper": (lambda place: encode(draw(place, 20, 4), "PPM"), Polarity.DARK_ON_LIGHT),
}


def save(path: Path, content: bytes | Image.Image) -> None:
    """Write a file, with its folders; a picture becomes a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else encode(content, "PNG"))


def save_crops(folder: Path, places: range) -> None:
    """Crops of all kinds, each below the folder of its digit."""
    kinds = list(CROPS.values())
    for place in places:
        save(folder / str(place % 10) / f"{place}.picture", kinds[place % len(kinds)][0](place))


def save_mnist_like(folder: Path, count: int) -> None:
    """28x28 digits, bright on dark."""
    for place in range(count):
        save(folder / f"{place}.png", draw_like_mnist(place))


def serve(content: bytes) -> Images:
    """What the service makes of a file."""
    return decode_image(content, limits=ImageLimits(max_pixels=2**24), preprocess="mnist")


def pixels_of(images: Images) -> set[bytes]:
    """The images as a set, for comparisons without order."""
    return {image.tobytes() for image in images}


def reasons_of(found: FolderImages) -> dict[str, str]:
    """Path -> reason of each file that was skipped."""
    return {file.path: file.reason for file in found.facts.skipped}


@pytest.mark.parametrize("kind", CROPS)
def test_training_sees_what_the_service_sees(tmp_path: Path, kind: str) -> None:
    """Every kind of crop becomes the image that the service makes of it, bit for bit; its polarity is told."""
    make, polarity = CROPS[kind]
    files = [make(place) for place in range(12)]
    for place, content in enumerate(files):
        save(tmp_path / f"{place}", content)

    found = read_folder(tmp_path)

    assert pixels_of(np.stack([serve(content) for content in files])) == pixels_of(found.images)
    assert {polarity: 12} == {key: count for key, count in found.facts.polarity.items() if count}
    assert ("mnist", ()) == (found.facts.preprocess, found.facts.skipped)


def test_loaded_crops_are_served_crops_with_their_labels(tmp_path: Path) -> None:
    """All the way to the two parts, no picture changes, is lost, or takes another's label."""
    save_crops(tmp_path / "digits", range(120))
    expected = {serve(path.read_bytes()).tobytes(): int(path.parent.name) for path in tmp_path.glob("digits/*/*")}

    data = load_data(str(tmp_path / "digits"))

    assert data.train_labels is not None
    assert data.test_labels is not None
    images = np.concatenate([data.train_images, data.test_images])
    labels = [*data.train_labels.tolist(), *data.test_labels.tolist()]
    assert expected == dict(zip((image.tobytes() for image in images), labels, strict=True))
    assert 120 == len(images)


def test_mnist_like_pictures_are_taken_as_they_are(tmp_path: Path) -> None:
    """28x28 and bright on dark: not a pixel changes."""
    save_mnist_like(tmp_path, 30)

    found = read_folder(tmp_path)

    assert pixels_of(np.stack([np.asarray(draw_like_mnist(place)) for place in range(30)])) == pixels_of(found.images)
    assert "strict" == found.facts.preprocess
    assert (SizeCount(28, 28, 30),) == found.facts.sizes


def test_one_picture_of_another_size_decides_for_all(tmp_path: Path) -> None:
    """One folder has one way of reading, and the report names the picture that decided."""
    save_mnist_like(tmp_path, 30)
    save(tmp_path / "z.png", draw(40))

    found = read_folder(tmp_path)

    assert "mnist" == found.facts.preprocess
    assert "because z.png cannot be taken as it is: the image is 80 pixels wide" in found.facts.preprocess_reason
    assert serve((tmp_path / "3.png").read_bytes()).tobytes() in pixels_of(found.images)
    assert 31 == len(found.images)


def test_file_that_gives_no_image_decides_nothing(tmp_path: Path) -> None:
    """A blank page of another size, or a damaged file, does not change how the others are read."""
    save_mnist_like(tmp_path, 10)
    save(tmp_path / "blank.png", Image.new("L", (50, 50), 200))
    save(tmp_path / "broken.png", encode(draw(1), "PNG")[:90])

    found = read_folder(tmp_path)

    assert "strict" == found.facts.preprocess
    assert {"blank.png": "blank", "broken.png": "unreadable"} == reasons_of(found)


@pytest.mark.parametrize(("dark", "expected"), [(1, "strict"), (2, "mnist")])
def test_one_dark_picture_in_a_hundred_is_a_slip(tmp_path: Path, dark: int, expected: str) -> None:
    """Above it the folder is read by polarity."""
    save_mnist_like(tmp_path, 100 - dark)
    for place in range(dark):
        save(tmp_path / f"dark{place}.png", draw(200 + place, 20, 4))

    assert expected == read_folder(tmp_path).facts.preprocess


def test_wish_for_strict_skips_other_sizes(tmp_path: Path) -> None:
    """The preprocessing that is asked for is the one that is done."""
    save_mnist_like(tmp_path, 10)
    save(tmp_path / "large.png", draw(40))

    found = read_folder(tmp_path, "strict")

    assert 10 == len(found.images)
    assert {"large.png": "not 28x28"} == reasons_of(found)
    assert "as asked for" == found.facts.preprocess_reason


def test_wish_for_mnist_holds_for_mnist_like_pictures(tmp_path: Path) -> None:
    """They too become what the service makes of them."""
    save_mnist_like(tmp_path, 10)

    found = read_folder(tmp_path, "mnist")

    assert pixels_of(found.images) == {serve(path.read_bytes()).tobytes() for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("content", "reason", "detail"),
    [
        (b"", "no image file", "got an empty file"),
        (b"some notes", "no image file", "got 10 bytes of text"),
        (encode(draw(1), "PNG")[:-40], "unreadable", "truncated"),
        (animate("GIF", 3), "animated", "the file holds 3 frames, expected 1"),
        (bomb_png(10_000), "too large", "the image is 10000x10000 pixels, the limit is 16777216 pixels"),
        (encode(Image.new("L", (60, 60), 230), "JPEG"), "blank", "no ink is found"),
    ],
    ids=["empty", "text", "truncated", "animated", "100 megapixels", "blank"],
)
def test_unusable_file_is_skipped_with_its_reason(tmp_path: Path, content: bytes, reason: str, detail: str) -> None:
    """One bad file costs nothing but itself, and its reason is told."""
    save_crops(tmp_path, range(5))
    save(tmp_path / "7" / "bad.png", content)

    found = read_folder(tmp_path)

    (skipped,) = found.facts.skipped
    assert ("7/bad.png", reason) == (skipped.path, skipped.reason)
    assert detail in skipped.detail
    assert (5, 6) == (len(found.images), found.facts.files)


def test_faint_smudge_in_28x28_is_blank(tmp_path: Path) -> None:
    """Taken as it is, a picture needs the same contrast as on paper."""
    save_mnist_like(tmp_path, 5)
    save(tmp_path / "faint.png", draw(9, 20, 4, paper=0, ink=23))

    assert {"faint.png": "blank"} == reasons_of(read_folder(tmp_path))


def test_file_larger_than_a_request_is_not_read(tmp_path: Path) -> None:
    """Its length is enough; this one holds 200 GB of nothing."""
    save_crops(tmp_path, range(5))
    with (tmp_path / "video").open("wb") as file:
        file.truncate(200 * 2**30)

    assert {"video": "too large"} == reasons_of(read_folder(tmp_path))


def test_damaged_metadata_does_not_cost_the_picture(tmp_path: Path) -> None:
    """What the service does not parse, training does not need: only the report knows less."""
    whole = encode(draw(3), "PNG")
    content = whole[:33] + png_chunk(b"pHYs", b"\x00") + whole[33:]
    save(tmp_path / "a.png", content)

    found = read_folder(tmp_path)

    assert pixels_of(serve(content)[None]) == pixels_of(found.images)
    assert 1 == found.facts.polarity[Polarity.UNCLEAR]


def test_hidden_files_and_folders_are_ignored(tmp_path: Path) -> None:
    """What a file manager or a version control leaves is no data, and is not counted."""
    save_crops(tmp_path, range(5))
    save(tmp_path / ".hidden.png", draw(20))
    save(tmp_path / ".git" / "a.png", draw(21))
    save(tmp_path / "1" / ".DS_Store", b"anything")

    found = read_folder(tmp_path)

    assert (5, 5) == (len(found.images), found.facts.files)


def test_links_are_followed_and_loops_are_harmless(tmp_path: Path) -> None:
    """A linked folder counts once, however many paths lead to it; a dangling link is reported."""
    save_crops(tmp_path / "own", range(5))
    save_crops(tmp_path / "other", range(5, 8))
    (tmp_path / "own" / "1" / "up").symlink_to(tmp_path / "own")
    (tmp_path / "own" / "more").symlink_to(tmp_path / "other")
    (tmp_path / "own" / "again").symlink_to(tmp_path / "other")
    (tmp_path / "own" / "gone.png").symlink_to(tmp_path / "nowhere")

    found = read_folder(tmp_path / "own")

    assert (8, 0) == (len(found.images), found.facts.copies)
    assert {"gone.png": "unreadable"} == reasons_of(found)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipe_in_the_folder_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Only regular files are opened."""
    save_crops(tmp_path, range(5))
    os.mkfifo(tmp_path / "pipe")

    assert {"pipe": "unreadable"} == reasons_of(read_folder(tmp_path))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_folder_that_cannot_be_listed_is_reported(tmp_path: Path) -> None:
    """It may hold half of the digits."""
    save_crops(tmp_path, range(5))
    (tmp_path / "closed").mkdir(mode=0)

    found = read_folder(tmp_path)
    (tmp_path / "closed").chmod(0o700)

    assert {"closed": "unreadable"} == reasons_of(found)


@pytest.mark.skipif(os.name != "posix", reason="needs names of any bytes")
def test_name_that_is_no_text_can_be_printed(tmp_path: Path) -> None:
    """Old archives hold names in other encodings."""
    save_crops(tmp_path, range(5))
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.txt")).write_bytes(b"menu")

    assert [r"\udce9.txt"] == list(reasons_of(read_folder(tmp_path)))


def test_log_names_the_first_twenty(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A thousand bad files are a number and a sample; the report has them all."""
    save_crops(tmp_path, range(5))
    for place in range(23):
        save(tmp_path / f"note{place:02}", b"text")

    found = read_folder(tmp_path)

    assert "left out 23 of 28 files: 23 no image file" == caplog.messages[0]
    assert caplog.messages[20].startswith("  note19: got 4 bytes of text")
    assert caplog.messages[21].startswith("  and 3 more")
    assert (22, 23) == (len(caplog.messages), len(found.facts.skipped))


def test_folder_of_clean_crops_logs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """There is nothing to warn of."""
    caplog.set_level(logging.WARNING)
    save_crops(tmp_path, range(5))

    read_folder(tmp_path)

    assert [] == caplog.messages


def test_thousands_of_copies_count_once(tmp_path: Path) -> None:
    """They fill neither the test nor the calibration, and lie on one side."""
    save_mnist_like(tmp_path, 120)
    for place in range(2_000):
        (tmp_path / f"copy{place}").hardlink_to(tmp_path / "0.png")

    data = load_data(str(tmp_path))

    assert data.folder is not None
    assert 2_000 == data.folder.copies
    assert 120 == len(data.train_images) + len(data.test_images)
    assert 120 == len(pixels_of(data.train_images) | pixels_of(data.test_images))


def test_copy_under_another_digit_is_counted(tmp_path: Path) -> None:
    """The same picture cannot show two digits."""
    save_crops(tmp_path, range(10))
    save(tmp_path / "9" / "copy", (tmp_path / "3" / "3.picture").read_bytes())
    save(tmp_path / "3" / "copy", (tmp_path / "3" / "3.picture").read_bytes())

    facts = read_folder(tmp_path).facts

    assert (2, 1) == (facts.copies, facts.contradictions)


def test_copy_brings_the_label_that_the_first_one_lacks(tmp_path: Path) -> None:
    """A picture that also lies about somewhere else does not cost the labels of all."""
    save_crops(tmp_path, range(10))
    save(tmp_path / "first.png", (tmp_path / "3" / "3.picture").read_bytes())

    found = read_folder(tmp_path)

    assert found.labels is not None
    assert list(range(10)) == sorted(found.labels.tolist())
    assert (1, 0, 0) == (found.facts.copies, found.facts.contradictions, found.facts.unlabelled)


def test_image_in_a_folder_without_a_digit_leaves_all_without_labels(tmp_path: Path) -> None:
    """Half a set of labels is none; how many are missing is told."""
    save_crops(tmp_path, range(10))
    save(tmp_path / "unsorted" / "10", draw(10))

    found = read_folder(tmp_path)

    assert found.labels is None
    assert 1 == found.facts.unlabelled


def test_train_and_test_folders_are_taken_as_given(tmp_path: Path) -> None:
    """The parts stay apart, with their labels, and one way of reading for both."""
    save_crops(tmp_path / "train", range(40))
    save_crops(tmp_path / "test", range(40, 50))

    data = load_data(str(tmp_path), split=0.5)

    test = {serve(path.read_bytes()).tobytes() for path in tmp_path.glob("test/*/*")}
    assert test == pixels_of(data.test_images)
    assert (40, 10) == (len(data.train_images), len(data.test_images))
    assert data.test_labels is not None
    assert list(range(10)) == sorted(data.test_labels.tolist())
    assert data.split is None


def test_copies_of_given_test_images_are_not_trained_on(tmp_path: Path) -> None:
    """No picture lies on both sides; the test part stays as it was given."""
    save_crops(tmp_path / "train", range(40))
    save_crops(tmp_path / "test", range(35, 45))

    data = load_data(str(tmp_path))

    assert (35, 10) == (len(data.train_images), len(data.test_images))
    assert set() == pixels_of(data.train_images) & pixels_of(data.test_images)


def test_files_outside_the_given_parts_are_reported(tmp_path: Path) -> None:
    """A third folder is in neither part."""
    save_crops(tmp_path / "train", range(10))
    save_crops(tmp_path / "test", range(10, 15))
    save(tmp_path / "valid" / "a.png", draw(20))

    found = read_folder(tmp_path)

    assert {"valid/a.png": "outside train and test"} == reasons_of(found)
    assert 15 == len(found.images)


def test_given_part_without_an_image_is_an_error(tmp_path: Path) -> None:
    """It is named."""
    save_crops(tmp_path / "train", range(10))
    save_crops(tmp_path / "test", range(10))

    with pytest.raises(DataError, match=f"no image is left below {tmp_path.name}/train"):
        load_data(str(tmp_path))


def test_share_of_the_test_images_is_chosen(tmp_path: Path) -> None:
    """About a quarter, and the smaller test set is a part of the larger one."""
    save_mnist_like(tmp_path, 600)

    small, large = load_data(str(tmp_path), split=0.1), load_data(str(tmp_path), split=0.25)

    assert 600 == len(large.train_images) + len(large.test_images)
    assert 110 <= len(large.test_images) <= 190
    assert pixels_of(small.test_images) < pixels_of(large.test_images)
    assert (0.1, 0.25) == (small.split, large.split)


def test_five_images_are_too_few_for_two_parts(tmp_path: Path) -> None:
    """The message says how many it takes."""
    save_crops(tmp_path, range(5))

    with pytest.raises(DataError, match=r"5 images are too few to set a share of 0\.01 aside .* expected 1000 or more"):
        load_data(str(tmp_path), split=0.01)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_share_that_is_none_is_refused(share: float) -> None:
    """Neither part may be empty."""
    with pytest.raises(DataError, match=f"a share of {share} is given"):
        load_data("digits", split=share)


def test_images_that_are_no_files_cannot_be_preprocessed() -> None:
    """The flag is not ignored where it can do nothing."""
    with pytest.raises(DataError, match="digits holds images of 28x28 already"):
        load_data("digits", preprocess="mnist")
