"""An object store is listed, read and written as a disk is, by pyarrow's own client of S3."""

from collections.abc import Iterator

import pytest
from support.bulk_files import DECODE, png
from support.object_store import CREDENTIALS, running_store

from service.bulk.errors import UsageError
from service.bulk.output import PartName, list_parts, place_part, remove_job
from service.bulk.places import normalise_place, read_whole, write_whole
from service.bulk.planning import plan_sources
from service.bulk.reading import read_source

_FILES = {"bucket/in/a/0.png": png(0), "bucket/in/b.png": png(1), "bucket/in/notes.txt": b"", "bucket/other.png": b""}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, bytes]]]:
    """A store of a few files, with the options behind its URLs."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with running_store(_FILES) as running:
        yield running


@pytest.mark.parametrize(("given", "expected"), [("in", ["in/a/0.png", "in/b.png"]), ("in/*/*.png", ["in/a/0.png"])])
def test_a_folder_of_a_bucket_is_listed(store: tuple[str, dict[str, bytes]], given: str, expected: list[str]) -> None:
    """Its rows name their objects, without the options of the store."""
    options, _ = store
    sources = plan_sources([f"s3://bucket/{given}?{options}"], "/nowhere", 10)

    items = [item for source in sources for item in read_source(source, DECODE)]
    assert [f"s3://bucket/{name}" for name in expected] == [item.source for item in items]
    assert (1, 28, 28) == items[0].read()[None].shape


def test_parts_are_written_and_removed(store: tuple[str, dict[str, bytes]]) -> None:
    """An object is there once it has all of its bytes."""
    options, objects = store
    output = f"s3://bucket/out?{options}"
    part = PartName(3, 0, is_last=True)
    write_whole(place_part(output, part), b"rows")

    assert b"rows" == objects["bucket/out/parts/part-000003-00000-last.parquet"]
    assert b"rows" == read_whole(place_part(output, part))
    assert [part] == list_parts(output)
    remove_job(output)
    assert [] == list_parts(output)


def test_an_input_that_is_not_there_is_refused(store: tuple[str, dict[str, bytes]]) -> None:
    """As on a disk."""
    options, _ = store
    with pytest.raises(UsageError, match="is not there"):
        plan_sources([f"s3://bucket/gone?{options}"], "/nowhere", 10)


def test_a_url_with_a_password_is_refused() -> None:
    """It would be written down in job.json."""
    with pytest.raises(UsageError, match="credentials"):
        normalise_place("s3://key:secret@bucket/in")


def test_an_unknown_kind_of_store_is_refused() -> None:
    """In one line that names it."""
    with pytest.raises(UsageError, match="ftp://host cannot be opened"):
        plan_sources(["ftp://host/in"], "/nowhere", 10)
