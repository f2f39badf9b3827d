"""Our own dependencies pass the scan, as far as it goes without the package index."""

from datetime import date
from pathlib import Path

import pytest

from bench.scan.findings import FAILING
from bench.scan.reviewed import REVIEWED, part_reviewed
from bench.scan.scan import Scan, scan

REPOSITORY = Path(__file__).resolve().parents[2]
# Only what the index says has to do with days.
TODAY = date(2026, 11, 27)


@pytest.fixture(scope="module")
def ours() -> Scan:
    """A scan of this repository."""
    return scan(REPOSITORY, today=TODAY, offline=True)


def test_nothing_fails_the_scan(ours: Scan) -> None:
    """All is pinned, hashed, locked, declared, used and explained, and nothing is called inactive."""
    opened, _ = part_reviewed(ours.findings)

    assert [] == [str(finding) for finding in opened if finding.fails]


def test_locks_are_read_whole(ours: Scan) -> None:
    """Each lock has pins, and each declared distribution is among them: a scan of nothing would pass too."""
    pinned = {pin.name for lock in ours.locks for pin in lock.pins}
    names = {"bulk", "client", "dev", "embedded", "gateway", "serving-runtime", "traces", "train"}

    assert names == {lock.name for lock in ours.locks}
    assert set() == ours.declarations.find_names() - pinned
    assert {"numpy", "starlette", "tensorflow"} <= pinned


def test_scan_says_that_it_did_not_ask(ours: Scan) -> None:
    """Without the index, nothing is claimed of releases."""
    assert ours.releases is None
    assert "releases: the index was not asked" in ours.unseen


def test_reviews_are_of_what_we_have(ours: Scan) -> None:
    """A review goes when the distribution goes, and none excuses what fails the scan."""
    known = {pin.name for lock in ours.locks for pin in lock.pins} | {each.name for each in ours.declarations.build}

    assert set() == {name for _, name in REVIEWED} - known
    assert set() == {kind for kind, _ in REVIEWED} & FAILING


def test_page_has_every_pin(ours: Scan) -> None:
    """docs/dependencies.md shows what is locked now; `make scan` writes it."""
    rows = [line.split(" | ") for line in (REPOSITORY / "docs" / "dependencies.md").read_text().splitlines()]
    shown = {(row[0].removeprefix("| "), version) for row in rows if len(row) > 2 for version in row[1].split(", ")}

    assert set() == {(pin.name, pin.version) for lock in ours.locks for pin in lock.pins} - shown
