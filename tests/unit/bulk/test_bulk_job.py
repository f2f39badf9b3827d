"""A folder holds one job: the same one goes on, another is refused in one sentence."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.bulk_files import png

from service.bulk.errors import UsageError
from service.bulk.job import Job, open_job, read_job
from service.bulk.output import PartName, place_part
from service.bulk.places import write_whole


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job of one image."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").write_bytes(png())
    return Job((str(tmp_path / "in"),), "all", False, "strict", 0.99, 4, 100, "digits", 1, "abc")  # noqa: FBT003 - a field


def test_a_job_goes_on_with_the_sources_it_began_with(job: Job, tmp_path: Path) -> None:
    """A file that came later is not part of it."""
    sources = open_job(job, str(tmp_path / "out"))
    (tmp_path / "in/b.png").write_bytes(png())

    assert sources == open_job(job, str(tmp_path / "out"))
    assert 1 == len(sources[0].places)


@pytest.mark.parametrize(
    "change",
    [
        {"operation": "score"},
        {"threshold": 0.5},
        {"digest": "def"},
        {"version": 2},
        {"inputs": ("/b",)},
        {"shard_rows": 5},
    ],
)
def test_another_job_is_refused_by_name(job: Job, tmp_path: Path, change: dict[str, Any]) -> None:
    """The sentence says what differs, and what helps."""
    open_job(job, str(tmp_path / "out"))

    with pytest.raises(UsageError, match=f"holds another job: {next(iter(change))} .*--restart"):
        open_job(replace(job, **change), str(tmp_path / "out"))


def test_parts_of_nobody_are_refused(job: Job, tmp_path: Path) -> None:
    """Without job.json nobody knows what they are."""
    write_whole(place_part(str(tmp_path), PartName(0, 0, is_last=True)), b"")

    with pytest.raises(UsageError, match="parts of a job that nothing is known of"):
        open_job(job, str(tmp_path))


@pytest.mark.parametrize(("content", "words"), [(b'{"format": 0}', "another version"), (b"{", "cannot be read")])
def test_a_description_that_is_not_ours_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """It was written by another program, or damaged."""
    write_whole(str(tmp_path / "_bulk/job.json"), content)

    with pytest.raises(UsageError, match=words):
        read_job(str(tmp_path))


def test_an_empty_folder_has_no_job(tmp_path: Path) -> None:
    """Nor has one that is not there."""
    assert read_job(str(tmp_path / "gone")) is None
