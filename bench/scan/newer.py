"""How many releases there are after a pin, counted in pip's list of them."""

import re
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from bench.scan.clients import run_client

_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "index", "versions")
_TIMEOUT_S = 60
# Each is a process that is busy for most of its second.
_AT_ONCE = 2
_VERSIONS = re.compile(r"^Available versions: (.*)$", re.MULTILINE)


def ask_newer(pins: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many releases for this Python are newer than the newest of the pinned versions, by name.

    Names of which pip lists none of the versions (it lists no pre-releases) are left out.
    Raises: IndexUnavailableError if there is no answer in the time allowed.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        listings = pool.map(lambda name: run_client((*_PIP, name), timeout_s=_TIMEOUT_S)[0], pins)
        counts = {name: count_newer(text, pins[name]) for name, text in zip(pins, listings, strict=True)}
    return {name: count for name, count in counts.items() if count is not None}


def count_newer(listing: str, versions: Iterable[str]) -> int | None:
    """How many stand before the first of these in pip's list, which begins with the newest; None if none is there."""
    match = _VERSIONS.search(listing)
    listed = match[1].split(", ") if match else []
    return min((listed.index(version) for version in versions if version in listed), default=None)
