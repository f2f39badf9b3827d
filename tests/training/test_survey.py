"""The data report: its figures, its warnings, its text, and the command that prints it."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.pictures import encode

from training.__main__ import main
from training.data.advice import find_warnings
from training.data.facts import DataReport, FolderFacts, PartSizes, Polarity, SizeCount
from training.data.load import DigitData, load_data
from training.data.survey import choose_sample, survey
from training.data.survey_text import render_survey
from training.errors import DataError


def save_crops(folder: Path, small_digits: DigitData, count: int) -> None:
    """Dark digits on light paper, in two sizes, below the folders of their digits."""
    assert small_digits.train_labels is not None
    for place in range(count):
        side = (56, 84)[place % 2]
        picture = Image.fromarray(255 - small_digits.train_images[place]).resize((side, side))
        path = folder / str(small_digits.train_labels[place]) / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(picture, "PNG"))


@pytest.fixture
def crops(tmp_path: Path, small_digits: DigitData) -> Path:
    """A folder of 120 crops, a copy, a note, and a page without ink."""
    folder = tmp_path / "crops"
    save_crops(folder, small_digits, 120)
    (folder / "copy.png").write_bytes(next(folder.glob("3/*")).read_bytes())
    (folder / "notes.txt").write_bytes(b"from the second scanner")
    (folder / "0" / "blank.png").write_bytes(encode(Image.new("L", (50, 50), 200), "PNG"))
    return folder


def facts(**changes: Any) -> FolderFacts:
    """A folder of 1,000 dark digits on light paper without a fault, changed."""
    polarity = {Polarity.DARK_ON_LIGHT: 1000, Polarity.LIGHT_ON_DARK: 0, Polarity.UNCLEAR: 0}
    sizes = (SizeCount(60, 80, 1000),)
    perfect = FolderFacts(1000, (), 0, 0, 0, sizes, polarity, "mnist", "as asked for")
    return dataclasses.replace(perfect, **changes)


def report(folder: FolderFacts | None = None, **changes: Any) -> DataReport:
    """A report that gives reason to no warning, changed."""
    classes = dict.fromkeys(range(10), 100)
    ink = {0.0: 0.05, 0.01: 0.06, 0.5: 0.1, 1.0: 0.3}
    parts = PartSizes(684, 36, 180, 100)
    perfect = DataReport("own", 1000, 0.1, parts, folder, {}, ink, 0, 0, 0, 0, classes, 1 / 181, 180 / 181)
    return dataclasses.replace(perfect, **changes)


def calibrated(images: int, calibrate: int) -> DataReport:
    """A report of so many images, so many of them to calibrate on."""
    parts = PartSizes(images - calibrate - 2, 1, calibrate, 1)
    return report(
        images=images,
        parts=parts,
        smallest_false_alarm_rate=1 / (calibrate + 1),
        largest_threshold=calibrate / (calibrate + 1),
    )


def test_every_file_and_image_is_accounted_for(crops: Path) -> None:
    """Files are used, copies, or skipped with a reason; images are in one part each."""
    found = survey(load_data(str(crops)), 5_000)

    assert found.folder is not None
    assert (123, 121, 1) == (found.folder.files, found.folder.pictures, found.folder.copies)
    assert {"blank": 1, "no image file": 1} == found.skipped
    assert 120 == found.images == sum(dataclasses.astuple(found.parts))
    assert 121 == found.folder.polarity[Polarity.DARK_ON_LIGHT]
    assert {(56, 56), (84, 84)} == {(size.width, size.height) for size in found.folder.sizes}
    assert 121 == sum(size.pictures for size in found.folder.sizes)
    assert found.classes is not None
    assert 120 == sum(found.classes.values())
    assert (0, 0) == (found.duplicates, found.shared)


def test_ink_is_the_share_of_white(small_digits: DigitData) -> None:
    """Of all images, those of both parts, by quantile."""
    images = np.concatenate([small_digits.train_images, small_digits.test_images])
    shares = images.reshape(len(images), -1).mean(axis=1) / 255

    ink = survey(small_digits, 5_000).ink

    assert [0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0] == list(ink)
    assert pytest.approx(shares.min(), abs=1e-4) == ink[0.0]
    assert pytest.approx(np.median(shares), abs=1e-4) == ink[0.5]
    assert pytest.approx(shares.max(), abs=1e-4) == ink[1.0]


def test_digits_that_are_no_files_are_surveyed_too(small_digits: DigitData) -> None:
    """What only a folder has is left out."""
    found = survey(small_digits, 200)

    assert found.folder is None
    assert (200, 40) == (found.parts.calibrate, found.parts.watch)
    assert (1 / 201, 200 / 201) == (found.smallest_false_alarm_rate, found.largest_threshold)
    assert () == found.warnings


def test_copies_in_an_archive_are_found(tmp_path: Path, small_digits: DigitData) -> None:
    """Its images stay as they are, and the report says what that means."""
    images = small_digits.train_images
    np.savez(tmp_path / "own.npz", x_train=np.concatenate([images[:600], images[:300]]), x_test=images[590:700])

    found = survey(load_data(str(tmp_path / "own.npz")), 5_000)

    assert (310, 10) == (found.duplicates, found.shared)
    assert "310 of 1,010 images are exact copies" in " ".join(found.warnings)
    assert "10 test images are training images too" in " ".join(found.warnings)


def test_too_few_images_for_the_parts_are_an_error(tmp_path: Path, small_digits: DigitData) -> None:
    """Four images cannot be parted in three."""
    np.savez(tmp_path / "own.npz", x_train=small_digits.train_images[:4], x_test=small_digits.test_images)

    with pytest.raises(DataError, match="4 images are left to train on"):
        survey(load_data(str(tmp_path / "own.npz")), 5_000)


@pytest.mark.parametrize("folder", [None, facts()])
def test_good_digits_give_no_reason_to_warn(folder: FolderFacts | None) -> None:
    """A warning that always comes is read by nobody."""
    assert [] == list(find_warnings(report(folder)))


def test_few_images_are_told_what_they_can_promise(crops: Path) -> None:
    """The calibration's size, the smallest rate it can promise, and the threshold from which it promises nothing."""
    found = survey(load_data(str(crops)), 5_000)

    m = found.parts.calibrate
    assert len(load_data(str(crops)).train_images) // 5 == m
    assert found.warnings[0].startswith(
        f"120 images are few: the score is calibrated on {m} images, so the smallest false-alarm rate that it can "
        f"promise is 1 in {m + 1} ({1 / (m + 1):.1%}); a threshold above 0.95"
    )
    assert found.warnings[0].endswith("promises nothing, and so does the default 0.99")
    assert "a threshold of 0.95 may give anything from 0% to 14% of false alarms" in found.warnings[1]


@pytest.mark.parametrize(
    ("images", "calibrate", "warnings", "words"),
    [
        (500, 99, 0, ""),
        (499, 99, 2, "499 images are few: the score is calibrated on 99 images"),
        (500, 98, 2, "the score is calibrated on 98 images"),
        (60_000, 50, 2, "the score is calibrated on 50 images"),
        (25, 4, 1, "1 in 5 (20.0%); a threshold above 0.8000 promises nothing, and so does the default 0.99"),
    ],
)
def test_promise_is_warned_of_where_it_is_small(images: int, calibrate: int, warnings: int, words: str) -> None:
    """Below 500 images, or where the default threshold is beyond the calibration."""
    found = list(find_warnings(calibrated(images, calibrate)))

    assert warnings == len(found)
    assert words in " ".join(found)


def test_default_threshold_is_not_blamed_where_it_holds() -> None:
    """99 images to calibrate on are just enough for it."""
    (first, _) = find_warnings(calibrated(499, 99))

    assert first.endswith("1 in 100 (1.0%); a threshold above 0.9900 promises nothing")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (report(almost_empty=3), "3 images are almost empty"),
        (report(almost_full=2), "2 images are more than half ink"),
        (report(classes={3: 1000}), "all images show the digit 3: a model of it will call every other digit strange"),
        (report(classes=dict.fromkeys([0, 1, 2, 3, 5, 6, 8, 9], 125)), "no image shows 4, 7:"),
        (report(shared=5), "5 test images are training images too"),
        (report(duplicates=51), "51 of 1,000 images are exact copies of others: the fit and the calibration"),
        (report(facts(copies=400), images=600), "400 of 1,000 pictures are exact copies of others; each is used once"),
        (report(facts(contradictions=2, copies=2)), "2 exact copies lie in the folder of another digit"),
        (report(facts(unlabelled=1)), "1 of 1,000 images lie in a folder that no digit names"),
        (
            report(facts(sizes=(SizeCount(28, 28, 999), SizeCount(60, 60, 1)))),
            "999 of 1,000 pictures are 28x28 already",
        ),
    ],
)
def test_oddity_is_told_in_a_sentence(changed: DataReport, words: str) -> None:
    """One cause gives one warning, with its number."""
    (warning,) = find_warnings(changed)

    assert words in warning


@pytest.mark.parametrize(
    ("dark", "light", "unclear", "preprocess", "words"),
    [
        (900, 100, 0, "mnist", "the polarity is mixed, 900 dark on light and 100 light on dark: each is turned"),
        (
            100,
            900,
            0,
            "strict",
            "the polarity is mixed, 100 dark on light and 900 light on dark: all are taken as they",
        ),
        (990, 10, 0, "strict", "990 of 1,000 pictures are dark on light, and 'strict' takes them as they are"),
        (949, 0, 51, "mnist", "the border of 51 of 1,000 pictures is neither light nor dark"),
    ],
)
def test_polarity_is_warned_of(dark: int, light: int, unclear: int, preprocess: str, words: str) -> None:
    """What mixed, wrong and unclear polarity mean depends on how the images were read."""
    polarity = {Polarity.DARK_ON_LIGHT: dark, Polarity.LIGHT_ON_DARK: light, Polarity.UNCLEAR: unclear}

    (warning,) = find_warnings(report(facts(polarity=polarity, preprocess=preprocess)))

    assert words in warning


def test_many_skipped_files_are_warned_of(crops: Path) -> None:
    """One file in twenty is no slip any more."""
    for place in range(10):
        (crops / f"page{place}").write_bytes(b"text")

    found = survey(load_data(str(crops)), 5_000)

    assert "12 of 133 files gave no image" in found.warnings


def test_text_names_every_fact(crops: Path) -> None:
    """A line for each fact, and the warnings below."""
    found = survey(load_data(str(crops)), 5_000)

    lines = render_survey(found).splitlines()

    assert [
        "files",
        "sizes",
        "polarity",
        "preprocess",
        "images",
        "ink",
        "classes",
        "parts",
        "promise",
        *["warning:"] * len(found.warnings),
    ] == [line.split()[0] for line in lines]
    assert "123; skipped: 1 blank, 1 no image file; exact copies: 1, each used once" in lines[0]
    assert "84x84 (6" in lines[1]
    assert "121 dark on light, 0 light on dark, 0 unclear" in lines[2]
    assert "mnist, because " in lines[3]
    assert f"{found.parts.calibrate} to calibrate, {found.parts.test} to test (a share of 0.1 by hash)" in lines[7]


def test_text_of_digits_that_are_no_files_is_shorter(small_digits: DigitData) -> None:
    """There is no file, size or polarity to tell of."""
    lines = render_survey(survey(small_digits, 5_000)).splitlines()

    assert ["images", "ink", "classes", "parts", "promise"] == [line.split()[0] for line in lines]


def test_many_sizes_are_cut_short() -> None:
    """Crops by hand have as many sizes as pictures."""
    sizes = tuple(SizeCount(40 + place, 60, 100) for place in range(10))

    text = render_survey(report(facts(sizes=sizes)))

    assert "40x60 (100), 41x60 (100), 42x60 (100), 43x60 (100) and 6 more" in text


def test_sheet_has_a_line_for_each_digit(small_digits: DigitData) -> None:
    """Lines that are too short are filled up with blank images."""
    assert small_digits.train_labels is not None
    few = np.flatnonzero(np.isin(small_digits.train_labels, [4, 7]))[:30]
    labels = small_digits.train_labels[few]
    data = dataclasses.replace(small_digits, train_images=small_digits.train_images[few], train_labels=labels)

    sample = choose_sample(data, columns=25)

    assert (50, 28, 28) == sample.shape
    fours = int(np.sum(labels == 4))
    assert np.array_equal(data.train_images[labels == 4], sample[:fours])
    assert 0 == sample[fours:25].max()
    assert np.array_equal(data.train_images[labels == 7], sample[25 : 25 + 30 - fours])


def test_sheet_without_labels_shows_the_first_images(small_digits: DigitData) -> None:
    """They are in an order that has nothing to do with their folders."""
    data = dataclasses.replace(small_digits, train_labels=None)

    assert np.array_equal(small_digits.train_images[:40], choose_sample(data, lines=2, columns=20))


def test_command_prints_the_report_and_writes_what_was_asked_for(
    crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The JSON lists every skipped file; the sheet is a PNG of twenty digits a line."""
    output, sheet = tmp_path / "report.json", tmp_path / "sheet.png"

    assert 0 == main(["survey", "--data", str(crops), "--split", "0.2", "--output", str(output), "--sheet", str(sheet)])

    printed = capsys.readouterr().out
    assert printed.startswith("crops\nfiles ")
    assert "a share of 0.2 by hash" in printed
    written = json.loads(output.read_text("utf-8"))
    assert {"notes.txt", "0/blank.png"} == {file["path"] for file in written["folder"]["skipped"]}
    assert {"dark on light": 121, "light on dark": 0, "unclear": 0} == written["folder"]["polarity"]
    assert written["warnings"]
    with Image.open(sheet) as picture:
        assert (20 * 29 - 1, 10 * 29 - 1) == picture.size, "ten lines of twenty images, with a line between"


def test_command_writes_nothing_that_was_not_asked_for(crops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It only looks."""
    before = sorted(crops.parent.rglob("*"))

    assert 0 == main(["survey", "--data", str(crops), "--preprocess", "mnist"])

    assert "mnist, as asked for" in capsys.readouterr().out
    assert before == sorted(crops.parent.rglob("*"))


def test_command_on_no_digits_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As of every command; the status is 2."""
    assert 2 == main(["survey", "--data", str(tmp_path)])

    assert [f"error: {tmp_path} has neither train-images-idx3-ubyte(.gz) nor image files"] == (
        capsys.readouterr().err.splitlines()
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--split", "0"], "0 is given, expected more than 0 and less than 1"),
        (["--split", "1"], "1 is given, expected more than 0 and less than 1"),
        (["--split", "nan"], "nan is given"),
        (["--split", "a tenth"], "'a tenth' is given, expected a number"),
        (["--preprocess", "none"], "invalid choice: 'none'"),
        (["--held-out", "0"], "0 is given, the least is 1"),
    ],
)
def test_impossible_flags_are_refused(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message holds the value and the limit; the status is 2."""
    with pytest.raises(SystemExit) as stopped:
        main(["survey", *flags])

    assert 2 == stopped.value.code
    assert message in capsys.readouterr().err


def test_survey_needs_no_tensorflow(crops: Path) -> None:
    """One looks at one's digits many times before the first training."""
    script = (
        "import sys, training.__main__ as cli\n"
        f"cli.main(['survey', '--data', {str(crops)!r}])\n"
        "print(sorted({'tensorflow', 'keras', 'sklearn', 'matplotlib'} & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.splitlines()[-1]
