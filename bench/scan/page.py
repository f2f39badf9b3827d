"""docs/dependencies.md: what we depend on and why, and what a scan found."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from bench.scan.findings import Finding
from bench.scan.index import Releases
from bench.scan.installed import UNKNOWN
from bench.scan.locks import Lock
from bench.scan.reasons import REASONS
from bench.scan.reviewed import REVIEWED, part_reviewed
from bench.scan.scan import Scan

_HEAD = """# Dependencies

What digitcodec depends on, why, under which licence, and how old it is. `make scan` writes this page and fails on what
is unpinned, without a hash, imported and not declared, declared and not used, taken back by its authors or called
inactive by them; the rest is for somebody to look at. `make test` holds all of it that needs no network.

Pins and hashes are those of `requirements/`. Licences, requirements and states are what the metadata of installed
distributions says. Days are those of a release's last file, as the package index tells uv. `newest` is empty where the
pin is the newest; `newer` counts the releases after the pin that pip lists for the scanning Python, for what we ask for
ourselves. What was not looked at stands at the end.
"""


def render_page(scan: Scan, releases: Releases, today: date) -> str:
    """The page of a scan that the index has answered."""
    opened, reviewed = part_reviewed(scan.findings)
    pinned = _find_versions(scan.locks)
    direct = scan.declarations.find_names() & set(pinned)
    rows = {name: _render_pin(name, versions, scan, releases) for name, versions in pinned.items()}
    return "\n".join(
        [
            _HEAD,
            f"Looked at on {today}, {len(pinned)} distributions.\n",
            *_render_list("To be looked at", opened),
            *_render_reviewed(reviewed),
            *_render_direct(rows, direct),
            *_render_brought(rows, set(rows) - direct, scan.locks),
            "## Not looked at\n",
            *(f"- {line}" for line in scan.unseen or ["nothing"]),
            "",
        ]
    )


def _find_versions(locks: Iterable[Lock]) -> dict[str, list[str]]:
    """All pinned versions of each name, in the order of the names."""
    versions: dict[str, set[str]] = defaultdict(set)
    for lock in locks:
        for pin in lock.pins:
            versions[pin.name].add(pin.version or "any")
    return {name: sorted(versions[name]) for name in sorted(versions)}


def _render_pin(name: str, versions: list[str], scan: Scan, releases: Releases) -> str:
    """The columns that both tables have."""
    days = [str(releases.uploaded.get((name, version)) or "") for version in versions]
    newest = releases.newest[name].version if name in releases.newest else ""
    newer = scan.newer.get(name, "")
    shown = "" if newest in versions else newest
    licence = scan.installed[name].licence if name in scan.installed else UNKNOWN
    return f"{', '.join(versions)} | {', '.join(days)} | {shown} | {newer} | {licence}"


def _render_direct(rows: Mapping[str, str], names: set[str]) -> list[str]:
    lines = [f"| {name} | {rows[name]} | {REASONS[name].why if name in REASONS else ''} |" for name in sorted(names)]
    return [
        "## What we ask for\n",
        "| distribution | pinned | day | newest | newer | licence | why |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *lines,
        "",
    ]


def _render_brought(rows: Mapping[str, str], names: set[str], locks: Iterable[Lock]) -> list[str]:
    lines = [f"| {name} | {rows[name]} | {_list_locks(name, locks)} |" for name in sorted(names)]
    return [
        "## What these bring\n",
        "| distribution | pinned | day | newest | newer | licence | in the locks |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *lines,
        "",
    ]


def _list_locks(name: str, locks: Iterable[Lock]) -> str:
    return ", ".join(lock.name for lock in locks if name in {pin.name for pin in lock.pins})


def _render_list(title: str, findings: list[Finding]) -> list[str]:
    lines = [f"- {each.kind}: {each.name}: {each.text}" for each in findings]
    return [f"## {title}\n", *(lines or ["Nothing."]), ""]


def _render_reviewed(findings: list[Finding]) -> list[str]:
    lines = [f"- {each.kind}: {each.name}: {each.text}. Seen: {REVIEWED[each.kind, each.name]}." for each in findings]
    return ["## Looked at, and kept\n", *(lines or ["Nothing."]), ""]
