"""Inputs become sources: the same ones every time, in an order that names decide."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from support.bulk_files import png, read_all, write_parquet, write_tar

from service.bulk.errors import UsageError
from service.bulk.planning import plan_sources
from service.bulk.sources import Source, parse_plan, parse_source, render_plan, render_source


def plan(*inputs: Path | str, shard_rows: int = 4) -> list[Source]:
    """The sources of inputs."""
    return plan_sources([str(each) for each in inputs], "/nowhere/out", shard_rows)


def write_images(folder: Path, *names: str) -> list[str]:
    """Image files; their places."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png())
    return [str(folder / name) for name in names]


def test_files_of_a_folder_share_sources_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Folders below count too; hidden files and folders, and files of other kinds, do not."""
    places = write_images(tmp_path, "a/0.png", "a/1.jpg", "b.png", "c.png", "d.PGM")
    write_images(tmp_path, ".hidden.png", ".hidden/e.png", "a/.hidden/f.png", "labels.txt")

    first, second = plan(tmp_path)
    assert Source("files", tuple(places[:4]), str(tmp_path), rows=4) == first
    assert Source("files", tuple(places[4:]), str(tmp_path), rows=1) == second


def test_tables_and_tars_are_sources_of_their_own(tmp_path: Path) -> None:
    """Runs of rows of a npy file and row groups of a Parquet file are apart, so that workers share them."""
    np.save(tmp_path / "a.npy", np.zeros((9, 28, 28), np.uint8))
    table = write_parquet(tmp_path / "b.parquet", pa.array([png()] * 5), group_rows=3)
    tar = write_tar(tmp_path / "c.tar", {"0.png": png()})

    npy = str(tmp_path / "a.npy")
    expected = [
        *(Source("npy", (npy,), start=start, rows=rows) for start, rows in ((0, 4), (4, 4), (8, 1))),
        Source("parquet", (str(table),), start=0, rows=3, group=0),
        Source("parquet", (str(table),), start=3, rows=2, group=1),
        Source("tar", (str(tar),)),
    ]
    assert expected == plan(tmp_path)


def test_what_cannot_be_opened_stays_a_source(tmp_path: Path) -> None:
    """Reading it gives the row that says what is wrong."""
    for name in ("a.npy", "b.parquet"):
        (tmp_path / name).write_text("neither")

    assert ["npy", "parquet"] == [source.kind for source in plan(tmp_path)]


def test_globs_and_files_are_taken_in_the_order_given(tmp_path: Path) -> None:
    """A file that is named is an image whatever its ending says; a name with a wildcard in it may be there as it is."""
    tars = [str(write_tar(tmp_path / f"{name}.tar", {})) for name in ("b", "a")]
    places = write_images(tmp_path, "odd.bin", "[1].png")

    sources = plan(places[0], tmp_path / "*.tar", places[1])
    assert [(places[0],), (tars[1],), (tars[0],), (places[1],)] == [source.places for source in sources]


@pytest.mark.parametrize("given", [["**"], [""], ["", "a", "a/0.png"], ["b.png", "*", ""]])
def test_a_file_that_several_inputs_lead_to_is_read_once(tmp_path: Path, given: list[str]) -> None:
    """`**` matches a folder and all that is below it, which are listed too."""
    places = write_images(tmp_path, "a/0.png", "a/b/1.png", "b.png")

    sources = plan(*(tmp_path / name for name in given))
    assert sorted(places) == sorted(place for source in sources for place in source.places)


def test_a_hidden_folder_that_is_named_is_read(tmp_path: Path) -> None:
    """Only what is below an input is passed over."""
    (place,) = write_images(tmp_path / ".cache", "a.png")

    assert [(place,)] == [source.places for source in plan(tmp_path / ".cache")]


@pytest.mark.parametrize("given", ["", os.fsdecode(b"\xff.png")])
def test_a_name_that_is_no_text_is_told_of(tmp_path: Path, given: str) -> None:
    """Tables hold UTF-8, and Arrow's file systems open no other names."""
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(png())

    with pytest.raises(UsageError, match="utf-8"):
        plan(tmp_path / given)


def test_a_npy_file_that_ends_too_early_has_one_row_that_says_so(tmp_path: Path) -> None:
    """However many rows its header tells of."""
    np.save(tmp_path / "a.npy", np.zeros((90, 28, 28), np.uint8))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[: -84 * 784 - 1])

    rows = [row for source in plan(tmp_path) for row in read_all(source)]
    assert [*range(5), 5] == [row for _, row, _ in rows]
    assert ("unreadable", "the npy file ends after 5 rows, its header says more") == rows[-1][2]


@pytest.mark.parametrize("given", ["gone", "*.tar", "empty"])
def test_an_input_that_is_not_there_is_refused(tmp_path: Path, given: str) -> None:
    """A job of nothing is a slip of the pen."""
    (tmp_path / "empty").mkdir()

    with pytest.raises(UsageError, match=given.replace("*", r"\*")):
        plan(tmp_path / given)


def test_the_output_is_never_read(tmp_path: Path) -> None:
    """It may lie in an input."""
    (place,) = write_images(tmp_path, "a.png")
    write_images(tmp_path, "out/cleaned/b.png")

    (source,) = plan_sources([str(tmp_path)], str(tmp_path / "out"), 4)
    assert (place,) == source.places


def test_the_plan_comes_back_as_it_was_written() -> None:
    """From its file, and from a worker's row."""
    sources = [Source("files", ("/a/1.png", "/a/2.png"), "/a", rows=2), Source("npy", ("/b.npy",), start=7, rows=3)]

    assert sources == parse_plan(render_plan(sources))
    assert sources == [parse_source(render_source(source)) for source in sources]
