"""Builds the site, and fails at any page that cannot be reached and any link that leads nowhere."""

import argparse
from pathlib import Path

from docs.website.build import REPOSITORY, TARGET, build_site


def main() -> int:
    """Build into a folder and say where the site begins; 1 if Sphinx found fault with a page."""
    parser = argparse.ArgumentParser(prog="python -m docs.website", description=main.__doc__)
    parser.add_argument("target", nargs="?", type=Path, default=TARGET, help="(default: %(default)s)")
    parser.add_argument("--source", type=Path, default=REPOSITORY, help="repository with the pages (default: this one)")
    options = parser.parse_args()
    status = build_site(options.target, options.source)
    if status == 0:
        print(options.target / "index.html")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
