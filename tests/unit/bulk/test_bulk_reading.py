"""Every kind of source gives its images in order, and a row with a reason in the place of what cannot be read."""

import os
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.bulk_files import pixels, png, read_all, write_parquet, write_tar
from support.pictures import digits

from service.bulk.reading.items import MOST_FILE_BYTES
from service.bulk.sources import Source


def read(kind: Any, path: Path, **fields: Any) -> list[tuple[str, int, Any]]:
    """All of a file."""
    return read_all(Source(kind, (str(path),), **fields))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_gives_its_images_whatever_it_is_compressed_by(tmp_path: Path, mode: str) -> None:
    """Members that are no images are passed over, and do not count."""
    path = write_tar(tmp_path / "a.tar", {"0.png": png(0), "0.cls": b"7", "d/1.PNG": png(1)}, mode)

    first, second = pixels(0, 1)
    assert [(f"{path}!0.png", 0, first), (f"{path}!d/1.PNG", 1, second)] == read("tar", path)


def test_a_broken_member_harms_no_other(tmp_path: Path) -> None:
    """It has the words that the service has for such a file."""
    path = write_tar(tmp_path / "a.tar", {"0.png": png(0), "1.png": b"text", "2.png": png(2)})

    results = [result for _, _, result in read("tar", path)]
    assert [pixels(0)[0], pixels(2)[0]] == [results[0], results[2]]
    assert "invalid_image" == results[1].reason
    assert "got 4 bytes of text" in results[1].problem


@pytest.mark.parametrize(("cut", "rows"), [(512 + 10, 1), (1024 + 100, 2), (1024, 2), (100, 1), (0, 1)])
def test_a_truncated_tar_gives_its_rows_and_one_that_says_so(tmp_path: Path, cut: int, rows: int) -> None:
    """Cut in the first member, in the second header, between two members, in the first header, and to nothing."""
    path = write_tar(tmp_path / "a.tar", {f"{index}.png": png(index) for index in range(3)})
    assert len(png(0)) <= 512
    path.write_bytes(path.read_bytes()[:cut])

    *_, (source, row, last) = found = read("tar", path)
    assert rows == len(found)
    assert (str(path), "unreadable") == (source, last.reason)
    assert rows - 1 == row


def test_a_file_that_is_too_large_is_a_row(tmp_path: Path) -> None:
    """No more of it is read than shows that, and what follows is read as ever."""
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        huge = tarfile.TarInfo("huge.png")
        huge.size = MOST_FILE_BYTES + 1
        with Path("/dev/zero").open("rb") as zeros:
            archive.addfile(huge, zeros)
        small = tarfile.TarInfo("small.png")
        small.size = len(png())
        archive.addfile(small, BytesIO(png()))

    results = [row[2] for row in read("tar", path)]
    assert ("too_large", pixels(0)[0]) == (results[0].reason, results[1])


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_in_a_tar_is_a_row_that_says_so(tmp_path: Path, kind: bytes) -> None:
    """It is not followed: an archive is read once, and never leads out of itself."""
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = kind, "/etc/hostname"
        archive.addfile(link)

    ((source, row, failure),) = read("tar", path)
    assert (f"{path}!link.png", 0) == (source, row)
    assert ("unreadable", "the member is a link to /etc/hostname, expected a file") == failure


def test_hidden_members_are_passed_over(tmp_path: Path) -> None:
    """Beside each image macOS puts one with the ending of an image; steps to here or above hide nothing."""
    path = write_tar(tmp_path / "a.tar", {"./._0.png": b"\0\5\x16\7", ".git/1.png": png(1), "./../0.png": png(0)})

    assert [(f"{path}!./../0.png", 0, pixels(0)[0])] == read("tar", path)


def test_names_of_members_are_text_whatever_their_bytes_are(tmp_path: Path) -> None:
    """Tables take no other."""
    path = write_tar(tmp_path / "a.tar", {os.fsdecode(b"\xe9.png"): png(0), "\u9f8d.png": png(1)})

    assert [f"{path}!\\xe9.png", f"{path}!\u9f8d.png"] == [source for source, _, _ in read("tar", path)]


def test_a_damaged_header_in_a_tar_is_told_of(tmp_path: Path) -> None:
    """It is no end of the archive: what lies behind it is lost, and the table says so."""
    path = write_tar(tmp_path / "a.tar", {f"{index}.png": png(index) for index in range(5)})
    with tarfile.open(path) as archive:
        third = archive.getmembers()[2].offset
    content = bytearray(path.read_bytes())
    content[third] ^= 1
    path.write_bytes(content)

    first, second, (source, row, failure) = read("tar", path)
    assert pixels(0, 1) == [first[2], second[2]]
    assert (str(path), 2, "unreadable") == (source, row, failure.reason)
    assert "after 2 images: bad checksum" in failure.problem


def test_a_damaged_gzip_is_told_of(tmp_path: Path) -> None:
    """The rows before the damage come out."""
    members = {f"{index:03d}.png": png(index % 50) for index in range(200)}
    path = write_tar(tmp_path / "a.tar.gz", members, "w:gz")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    *rows, (_, _, last) = read("tar", path)
    assert 10 < len(rows) < 200
    assert "unreadable" == last.reason


@pytest.mark.parametrize("kind", ["tar", "npy", "parquet", "files"])
def test_a_file_that_has_gone_is_a_row(tmp_path: Path, kind: str) -> None:
    """The others of the job are not concerned."""
    ((source, row, result),) = read(kind, tmp_path / "gone")

    assert (str(tmp_path / "gone"), 0) == (source, row)
    assert ("not_found", "the file is not there") == result


def test_a_run_of_rows_of_a_npy_file_is_read_by_itself(tmp_path: Path) -> None:
    """Rows are counted from the start of the file."""
    np.save(tmp_path / "a.npy", digits()[:10])

    rows = read("npy", tmp_path / "a.npy", start=4, rows=3)
    assert [(4, pixels(4)[0]), (5, pixels(5)[0]), (6, pixels(6)[0])] == [row[1:] for row in rows]


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.float16])
def test_numbers_become_pixels_as_at_the_doors(tmp_path: Path, dtype: Any) -> None:
    """Floats are 0..1, integers 0..255, and one row out of range harms no other."""
    scale = 255 if np.dtype(dtype).kind == "f" else 1
    array = (digits()[:3].reshape(3, 784) / scale).astype(dtype)
    array[1, 5] = -1
    np.save(tmp_path / "a.npy", array)

    first, second, third = (row[2] for row in read("npy", tmp_path / "a.npy", rows=3))
    assert (pixels(0)[0], pixels(2)[0]) == (first, third)
    assert "invalid_image" == second.reason


def test_a_npy_file_that_ends_too_early_says_so(tmp_path: Path) -> None:
    """Whole rows come out."""
    np.save(tmp_path / "a.npy", digits()[:4])
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[: -784 - 10])

    rows = read("npy", tmp_path / "a.npy", rows=4)
    assert pixels(0, 1) == [row[2] for row in rows[:-1]]
    assert (2, "unreadable") == (rows[-1][1], rows[-1][2].reason)


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.zeros((4, 28, 28), np.uint8)),
        np.zeros((4, 27, 28), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((2, 784), object),
    ],
    ids=["fortran", "shape", "flat", "objects"],
)
def test_a_npy_file_of_something_else_is_one_row(tmp_path: Path, array: Any) -> None:
    """Objects are never unpickled."""
    np.save(tmp_path / "a.npy", array)

    ((_, row, failure),) = read("npy", tmp_path / "a.npy")
    assert (0, "unreadable") == (row, failure.reason)


@pytest.mark.parametrize(
    "header",
    [
        "'descr': '|u1', 'shape': (-5, 28, 28)",
        "'descr': '|u1', 'shape': (5, -28, -28)",
        "'descr': '|V0', 'shape': (5, 28, 28)",
        "'descr': (), 'shape': (5, 28, 28)",
        "'descr': '|u1', 'shape': ((((",
        f"'descr': '|u1', 'shape': {'-' * 5000}1",
    ],
)
def test_a_npy_header_that_nobody_writes_is_one_row(tmp_path: Path, header: str) -> None:
    """Neither Python's parser nor NumPy ends the job over it, and the row is short."""
    text = f"{{'fortran_order': False, {header}}}\n".encode()
    content = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(5 * 784)
    (tmp_path / "a.npy").write_bytes(content)

    ((_, row, failure),) = read("npy", tmp_path / "a.npy")
    assert (0, "unreadable") == (row, failure.reason)
    assert len(failure.problem) < 300


def test_parquet_takes_files_structs_and_lists(tmp_path: Path) -> None:
    """Hugging Face's struct is one of bytes and path."""
    files = pa.array([png(0), png(1)])
    columns = {
        "bytes": files,
        "large": files.cast(pa.large_binary()),
        "view": files.cast(pa.binary_view()),
        "fixed bytes": pa.array([png(0).ljust(512, b"\0"), png(1).ljust(512, b"\0")], pa.binary(512)),
        "dictionary": files.dictionary_encode(),
        "struct": pa.StructArray.from_arrays([files, pa.array(["a", "b"])], ["bytes", "path"]),
        "fixed": pa.array([list(row) for row in pixels(0, 1)], pa.list_(pa.uint8(), 784)),
        "list": pa.array([[pixel / 255 for pixel in row] for row in pixels(0, 1)]),
        "nested": pa.array(digits()[:2].tolist()),
    }
    for name, column in columns.items():
        path = write_parquet(tmp_path / name, column)

        assert [(str(path), 0, pixels(0)[0]), (str(path), 1, pixels(1)[0])] == read("parquet", path)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([png(0), b"text", None, png(3)]),
        pa.array([list(pixels(0)[0]), [1, 2], None, list(pixels(3)[0])]),
        pa.array([list(pixels(0)[0]), [None] * 784, [300] * 784, list(pixels(3)[0])]),
        pa.array([{"bytes": png(0)}, {"bytes": b""}, {"bytes": None}, {"bytes": png(3)}]),
    ],
    ids=["files", "lists", "numbers", "structs"],
)
def test_bad_rows_of_a_parquet_file_harm_no_other(tmp_path: Path, column: pa.Array) -> None:
    """Nulls and ragged lists are such."""
    results = [row[2] for row in read("parquet", write_parquet(tmp_path / "a.parquet", column))]

    assert (pixels(0)[0], pixels(3)[0]) == (results[0], results[3])
    assert ["invalid_image", "invalid_image"] == [result.reason for result in results[1:3]]


def test_a_file_in_a_table_has_the_limit_of_every_file(tmp_path: Path) -> None:
    """It is refused for its size alone."""
    column = pa.array([png(0) + bytes(MOST_FILE_BYTES)])
    ((_, _, failure),) = read("parquet", write_parquet(tmp_path / "a.parquet", column))

    assert "too_large" == failure.reason


@pytest.mark.parametrize("value", ["text", 7, {"other": 1}, [["a"] * 28] * 28])
def test_a_parquet_column_of_something_else_is_a_row_for_each(tmp_path: Path, value: Any) -> None:
    """Strings, numbers, structs without bytes, lists of strings."""
    rows = read("parquet", write_parquet(tmp_path / "a.parquet", pa.array([value, value])))

    assert ["invalid_image", "invalid_image"] == [failure.reason for _, _, failure in rows]


def test_a_row_group_is_read_by_itself(tmp_path: Path) -> None:
    """Rows are counted from the start of the file."""
    path = write_parquet(tmp_path / "a.parquet", pa.array([png(index) for index in range(5)]), group_rows=2)

    assert [(str(path), 2, pixels(2)[0]), (str(path), 3, pixels(3)[0])] == read("parquet", path, start=2, group=1)


def test_a_parquet_file_of_something_else_is_one_row(tmp_path: Path) -> None:
    """Text, and a table without the column."""
    (tmp_path / "text").write_text("no table")
    other = write_parquet(tmp_path / "other", pa.array([1]), name="digit")

    for path, words in ((tmp_path / "text", "cannot be read"), (other, "['digit']")):
        ((_, _, failure),) = read("parquet", path)
        assert "unreadable" == failure.reason
        assert words in failure.problem


def test_files_are_named_below_their_input(tmp_path: Path) -> None:
    """The name is what a cleaned image gets."""
    (tmp_path / "a.png").write_bytes(png(0))
    source = Source("files", (str(tmp_path / "a.png"),), base=str(tmp_path))

    assert [(str(tmp_path / "a.png"), 0, pixels(0)[0])] == read_all(source)
