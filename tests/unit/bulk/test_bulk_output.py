"""What lies in the output folder tells what is finished, and only that goes when a job is removed."""

from pathlib import Path

import pytest

from service.bulk.errors import UsageError
from service.bulk.output import (
    PartName,
    Progress,
    find_progress,
    join_place,
    list_parts,
    locked,
    parse_stem,
    place_part,
    remove_job,
    remove_unfinished,
)
from service.bulk.places import normalise_place, write_whole


def write_part(output: Path, source: int, chunk: int, *, is_last: bool = False) -> None:
    """A part that is there."""
    write_whole(place_part(str(output), PartName(source, chunk, is_last)), b"rows")


def test_names_tell_which_parts_are_there(tmp_path: Path) -> None:
    """Files of others, and unfinished ones, are none."""
    write_part(tmp_path, 0, 0)
    write_part(tmp_path, 12, 1, is_last=True)
    for name in (".part-000001-00000.parquet.7.tmp", "part-1.parquet", "notes.parquet"):
        (tmp_path / "parts" / name).touch()

    assert [PartName(0, 0, False), PartName(12, 1, True)] == list_parts(str(tmp_path))  # noqa: FBT003 - a field


@pytest.mark.parametrize("part", [PartName(0, 0, is_last=False), PartName(1234567, 123456, is_last=True)])
def test_a_part_name_is_read_back(part: PartName) -> None:
    """Large jobs have longer numbers."""
    assert part == parse_stem(f"{part.stem}.parquet")


@pytest.mark.parametrize(
    ("parts", "is_finished"),
    [
        ([(0, False), (1, True)], True),
        ([(0, True)], True),
        ([(0, False), (1, False)], False),
        ([(1, True)], False),
        ([(0, False), (2, True)], False),
    ],
)
def test_a_source_is_finished_with_all_parts_up_to_its_last(parts: list[tuple[int, bool]], is_finished: bool) -> None:  # noqa: FBT001 - a parameter
    """Workers may write the last one first."""
    progress = find_progress([PartName(3, *part) for part in parts])[3]

    assert is_finished == progress.is_finished()
    assert not Progress().is_finished()


def test_removing_a_job_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    """Files of users, and folders."""
    write_part(tmp_path, 0, 0, is_last=True)
    for name in (
        "summary.json",
        "summary.png",
        "_bulk/plan.parquet",
        "_bulk/job.json",
        "cleaned/part-000000-00000.tar",
    ):
        write_whole(str(tmp_path / name), b"")
    kept = [tmp_path / "notes.txt", tmp_path / "parts/mine.parquet", tmp_path / "cleaned/mine.tar"]
    for path in kept:
        path.touch()

    remove_job(str(tmp_path))
    assert sorted(kept) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    """Finished files stay."""
    write_part(tmp_path, 0, 0)
    (tmp_path / "parts/.part-000000-00001.parquet.42.tmp").touch()

    remove_unfinished(str(tmp_path))
    assert ["part-000000-00000.parquet"] == [path.name for path in (tmp_path / "parts").iterdir()]


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second is refused while the first is at work, and may come after it."""
    with locked(str(tmp_path)), pytest.raises(UsageError, match="another run is at work"), locked(str(tmp_path)):
        pass
    with locked(str(tmp_path)):
        pass


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/a/b/", "/a/b"),
        ("/a/../b", "/b"),
        ("file:///a%20b", "/a b"),
        ("s3://bucket/a/", "s3://bucket/a"),
        ("s3://bucket/a/?region=eu-central-1", "s3://bucket/a?region=eu-central-1"),
    ],
)
def test_places_do_not_depend_on_where_the_command_is_started(given: str, expected: str) -> None:
    """A relative path is made absolute."""
    assert expected == normalise_place(given)


def test_a_name_joins_a_url_before_its_options() -> None:
    """The options belong to the file system."""
    assert "s3://bucket/a/parts/x?region=here" == join_place("s3://bucket/a?region=here", "parts/x")
