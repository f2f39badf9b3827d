"""What is written under each ending, and what is refused before any work is done."""

import csv
import json
import sys
from base64 import b64decode
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.cli.engines import Operation
from service.cli.errors import CliError, UsageError
from service.cli.inputs import InputFile
from service.cli.output.table import render_table
from service.cli.output.targets import check_target, write_target
from service.cli.rows import Row

PICTURE = np.arange(784, dtype=np.uint16).reshape(28, 28).astype(np.uint8)
CODE = np.array([0.1, -2.5, 3e-7], np.float32)


def make_row(name: str, row: int = 0) -> Row:
    """One that was answered with everything."""
    score = np.float32(0.48030394)
    return Row(InputFile(f"in/{name}", name), row, 3, PICTURE, CODE, PICTURE, np.float32(0.25), score, anomaly=False)


BAD = Row(InputFile("in/bad.png", "bad.png"), 0, reason="invalid_image", problem="no image")
ROWS = [make_row("a.png"), BAD, make_row("b.npy", 1)]


def write(path: Path, operation: Operation, rows: Sequence[Row] = ROWS) -> bytes:
    """What is in the file."""
    check_target(str(path), operation)
    write_target(str(path), operation, rows)
    return path.read_bytes()


def test_csv_has_a_line_for_each_row(tmp_path: Path) -> None:
    """With as many digits as float32 needs; an unreadable image has a reason."""
    lines = list(csv.DictReader(write(tmp_path / "x.csv", "reconstruct").decode().splitlines()))

    assert ["in/a.png", "in/bad.png", "in/b.npy"] == [line["source"] for line in lines]
    assert ["0", "0", "1"] == [line["row"] for line in lines]
    assert {"error": "0.25", "anomaly_score": "0.48030394", "anomaly": "false"}.items() <= lines[0].items()
    assert ("", "invalid_image", "no image") == tuple(lines[1][name] for name in ("version", "reason", "problem"))


def test_csv_spreads_codes(tmp_path: Path) -> None:
    """A column for each number."""
    lines = list(csv.DictReader(write(tmp_path / "x.csv", "encode").decode().splitlines()))

    assert ["0.1", "-2.5", "3e-07"] == [lines[0][f"code_{index}"] for index in range(3)]
    assert "" == lines[1]["code_0"]


def test_jsonl_leaves_out_what_there_is_not(tmp_path: Path) -> None:
    """Pictures are PNG files."""
    first, second, _ = map(json.loads, write(tmp_path / "x.jsonl", "reconstruct").splitlines())

    assert {"source", "row", "version", "error", "anomaly_score", "anomaly", "reconstruction"} == first.keys()
    assert np.array_equal(PICTURE, np.asarray(Image.open(BytesIO(b64decode(first["reconstruction"])))))
    assert {"source": "in/bad.png", "row": 0, "reason": "invalid_image", "problem": "no image"} == second


def test_parquet_has_types(tmp_path: Path) -> None:
    """Null where there is nothing; its pictures can be read again by `digitcodec bulk`."""
    from pyarrow import parquet

    write(tmp_path / "x.parquet", "encode")
    write(tmp_path / "y.parquet", "decode")
    codes = parquet.read_table(tmp_path / "x.parquet")
    pictures = parquet.read_table(tmp_path / "y.parquet")["image"].to_pylist()

    assert [3, None, 3] == codes["version"].to_pylist()
    assert CODE.tolist() == codes["code"].to_pylist()[0]
    assert np.array_equal(PICTURE, np.asarray(Image.open(BytesIO(pictures[0]))))
    assert pictures[1] is None


@pytest.mark.parametrize(
    ("operation", "dtype", "shape"),
    [
        ("encode", np.float32, (2, 3)),
        ("score", np.float32, (2,)),
        ("reconstruct", np.uint8, (2, 28, 28)),
        ("decode", np.uint8, (2, 28, 28)),
    ],
)
def test_npy_holds_what_was_answered(
    tmp_path: Path, operation: Operation, dtype: type[np.generic], shape: tuple[int, ...]
) -> None:
    """And no row for what was not."""
    array = np.load(BytesIO(write(tmp_path / "x.npy", operation)))

    assert (dtype, shape) == (array.dtype, array.shape)


def test_npz_names_its_rows(tmp_path: Path) -> None:
    """With the version that made them."""
    arrays = np.load(BytesIO(write(tmp_path / "x.npz", "reconstruct")))

    assert ["in/a.png", "in/b.npy"] == arrays["source"].tolist()
    assert ([0, 1], [3, 3]) == (arrays["row"].tolist(), arrays["version"].tolist())
    assert np.array_equal(PICTURE, arrays["reconstructions"][0])
    assert ([0.25] * 2, [False] * 2) == (arrays["errors"].tolist(), arrays["anomalies"].tolist())


def test_npz_of_nothing_is_empty(tmp_path: Path) -> None:
    """If no image could be read."""
    arrays = np.load(BytesIO(write(tmp_path / "x.npz", "score", [BAD])))

    assert (0,) == arrays["anomaly_scores"].shape


def test_sheet_has_all_pictures(tmp_path: Path) -> None:
    """Beside each other, with a line between."""
    assert (57, 28) == Image.open(BytesIO(write(tmp_path / "x.png", "decode"))).size


def test_sheet_without_pictures_is_refused(tmp_path: Path) -> None:
    """There is nothing to draw."""
    with pytest.raises(CliError, match="no picture"):
        write(tmp_path / "x.png", "decode", [BAD])


def test_folder_gets_a_file_for_each(tmp_path: Path) -> None:
    """Named after what they were made of, below the same folders."""
    rows = [*ROWS, make_row("b.npy", 0), make_row("below/c.jpg")]
    write_target(str(tmp_path / "out"), "reconstruct", rows)
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))

    assert ["a.png", "b-000000.png", "b-000001.png", "below/c.jpg.png"] == names


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    """Before one is written over the other."""
    with pytest.raises(CliError, match=r"two images would be written to .*a\.png"):
        write_target(str(tmp_path / "out"), "reconstruct", [make_row("a.png"), make_row("a.png")])

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("output", "operation", "told"),
    [
        ("x.txt", "score", "expected a name that ends in .csv, .jsonl, .npy, .npz, .parquet, .png"),
        ("x.png", "score", "score makes no pictures"),
        ("folder", "encode", "encode makes no pictures"),
    ],
)
def test_what_cannot_be_written_is_refused_first(output: str, operation: Operation, told: str) -> None:
    """By its name alone."""
    with pytest.raises(UsageError) as caught:
        check_target(output, operation)

    assert told in str(caught.value)


def test_parquet_without_pyarrow_is_refused_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what installs it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'digitcodec\[bulk\]'"):
        check_target("x.parquet", "score")


def test_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file stands where a folder would be; nothing half written is left."""
    (tmp_path / "taken").touch()
    with pytest.raises(CliError, match="cannot be written"):
        write_target(str(tmp_path / "taken" / "x.csv"), "score", ROWS)

    assert [tmp_path / "taken"] == list(tmp_path.iterdir())


def test_table_names_rows_of_files_that_have_several() -> None:
    """And has the reason in the place of numbers."""
    lines = render_table([make_row("b.npy", 0), make_row("b.npy", 1), BAD], "score").splitlines()

    assert ["image", "in/b.npy[0]", "in/b.npy[1]", "in/bad.png"] == [line.split()[0] for line in lines]
    assert lines[3].endswith("invalid_image: no image")


def test_pictures_are_drawn_side_by_side() -> None:
    """What came and what the model made of it: 14 lines of twice 28 characters."""
    bright = np.full((28, 28), 255, np.uint8)
    row = Row(InputFile("a.png", "a.png"), 0, 1, bright, None, bright, np.float32(0), np.float32(0), anomaly=False)
    lines = render_table([row], "reconstruct").splitlines()

    assert 14 == lines.count("@" * 28 + "   " + "@" * 28)
