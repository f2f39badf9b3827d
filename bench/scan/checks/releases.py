"""What the package index says of the releases: taken back, or the last one long ago."""

from collections.abc import Iterable
from datetime import date, timedelta

from bench.scan.findings import Finding, Kind
from bench.scan.index import Releases

# Two years without a file: either finished, or left. Somebody has to look which.
QUIET_AFTER = timedelta(days=730)


def check_releases(releases: Releases, names: Iterable[str], today: date) -> list[Finding]:
    """Pins that were taken back, and distributions of which nothing was uploaded in the time above."""
    yanked = [
        Finding(Kind.YANKED, name, f"{version} was taken back: {why}")
        for (name, version), why in sorted(releases.yanked.items())
    ]
    newest = [(name, releases.newest[name]) for name in sorted(names) if name in releases.newest]
    old = [
        Finding(Kind.OLD, name, f"nothing newer than {release.version} of {release.uploaded}")
        for name, release in newest
        if release.uploaded is not None and today - release.uploaded > QUIET_AFTER
    ]
    return yanked + old
