"""What we depend on, looked over: `python -m bench.scan [--offline] [--write]`.

Ends with status 1 for what must not be: see findings.py.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.scan.findings import Finding
from bench.scan.page import render_page
from bench.scan.reviewed import part_reviewed
from bench.scan.scan import Scan, scan

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "dependencies.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Scan, print, perhaps write; the exit status."""
    options = _parse(arguments)
    today = datetime.now(UTC).date()
    seen = scan(REPOSITORY, today=today, offline=options.offline)
    opened = _print(seen)
    if options.write and seen.releases is None:
        print("docs/dependencies.md is left as it is: it holds what the index says")
    elif options.write and seen.releases is not None:
        PAGE.write_text(render_page(seen, seen.releases, today))
    return int(any(finding.fails for finding in opened))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scan", description=__doc__)
    parser.add_argument("--offline", action="store_true", help="do not ask the package index")
    parser.add_argument("--write", action="store_true", help="write docs/dependencies.md")
    return parser.parse_args(arguments)


def _print(seen: Scan) -> list[Finding]:
    """Tell what was seen; what is open comes back."""
    opened, reviewed = part_reviewed(seen.findings)
    count = len({pin.name for lock in seen.locks for pin in lock.pins})
    for finding in opened:
        print(finding)
    for line in seen.unseen:
        print(f"not looked at: {line}")
    print(f"{count} distributions in {len(seen.locks)} locks: {len(opened)} findings, {len(reviewed)} seen before")
    return opened


if __name__ == "__main__":
    sys.exit(main())
