"""One scan of a repository: reads everything, runs every check, and keeps what could not be looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bench.scan.checks.metadata import check_metadata
from bench.scan.checks.pins import check_build, check_orphans, check_pins, check_roots
from bench.scan.checks.releases import check_releases
from bench.scan.checks.uses import check_declarations, check_imports, check_reasons, find_imported
from bench.scan.clients import IndexUnavailableError
from bench.scan.declared import Declarations, read_declarations
from bench.scan.findings import Finding
from bench.scan.imports import find_imports
from bench.scan.index import Releases, ask_index
from bench.scan.installed import Installed, map_modules, read_installed
from bench.scan.locks import FOLDER, Lock, read_locks
from bench.scan.newer import ask_newer
from bench.scan.reasons import REASONS

# Locks that are installed in environments of their own; the others share the Python that runs the scan.
_ENVIRONMENTS = {"serving-runtime": ".venv-serving"}


# The index's words on releases, how many are newer, and what it did not say.
_Answer = tuple[Releases | None, dict[str, int], list[str]]
_NOT_ASKED: _Answer = (None, {}, ["releases: the index was not asked"])


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan saw.

    Attributes:
        declarations: What pyproject.toml asks for.
        locks: The locks.
        installed: Metadata of what is locked and installed, by name.
        releases: What the index said; None if it was not asked, or did not answer.
        newer: How many releases came after the pin, by name, for those that we ask for ourselves and are behind.
        findings: All of them, reviewed or not.
        unseen: What could not be looked at, and why, in words.
    """

    declarations: Declarations
    locks: list[Lock]
    installed: dict[str, Installed]
    releases: Releases | None
    newer: dict[str, int]
    findings: list[Finding]
    unseen: list[str]


def scan(repository: Path, *, today: date, offline: bool) -> Scan:
    """Scan a repository; `offline` leaves the index alone.

    Raises: OSError, KeyError or ValueError if pyproject.toml or a lock cannot be read.
    """
    declarations = read_declarations(repository)
    locks = read_locks(repository, declarations)
    shared = read_installed()
    environments = {lock.name: _read_environment(repository, lock, shared) for lock in locks}
    installed = _merge(environments)
    releases, newer, refusals = _NOT_ASKED if offline else _ask(repository, locks, declarations)
    return Scan(
        declarations=declarations,
        locks=locks,
        installed=installed,
        releases=releases,
        newer=newer,
        findings=[
            *_check_locks(declarations, locks, environments),
            *_check_uses(repository, declarations),
            *check_metadata(installed),
            *(check_releases(releases, {pin.name for lock in locks for pin in lock.pins}, today) if releases else []),
        ],
        unseen=[*_find_missing(locks, environments, installed), *refusals],
    )


def _read_environment(repository: Path, lock: Lock, shared: dict[str, Installed]) -> dict[str, Installed]:
    """Metadata of what the lock holds and its environment has; empty if it is not there."""
    if lock.name not in _ENVIRONMENTS:
        found = shared
    else:
        folders = sorted((repository / _ENVIRONMENTS[lock.name]).glob("lib/python*/site-packages"))
        found = read_installed(folders[0]) if folders else {}
    return {pin.name: found[pin.name] for pin in lock.pins if pin.name in found}


def _merge(environments: Mapping[str, Mapping[str, Installed]]) -> dict[str, Installed]:
    """All that is installed; what the shared Python has goes before what an environment of its own has."""
    ordered = sorted(environments, key=lambda name: name not in _ENVIRONMENTS)
    return {name: each for lock in ordered for name, each in environments[lock].items()}


def _check_locks(
    declarations: Declarations, locks: list[Lock], environments: Mapping[str, Mapping[str, Installed]]
) -> list[Finding]:
    """Orphans only where the lock's environment is there to say who asks for what."""
    known = [lock for lock in locks if environments[lock.name]]
    orphans = [each for lock in known for each in check_orphans(lock, environments[lock.name])]
    return [*check_pins(locks), *check_roots(locks), *check_build(declarations, locks), *orphans]


def _check_uses(repository: Path, declarations: Declarations) -> list[Finding]:
    imports = find_imports(repository, declarations.import_roots)
    modules = map_modules(each.target.partition(".")[0] for each in imports)
    return [
        *check_imports(imports, modules, declarations),
        *check_declarations(find_imported(imports, modules), declarations, REASONS, repository),
        *check_reasons(declarations, REASONS),
    ]


def _ask(repository: Path, locks: list[Lock], declarations: Declarations) -> _Answer:
    """What the index says, as far as it answers, and its refusals."""
    try:
        releases = ask_index(repository, locks)
    except IndexUnavailableError as error:
        return None, {}, [f"releases: the index did not answer: {error}"]
    try:
        return releases, ask_newer(_find_behind(releases, declarations.find_names())), []
    except IndexUnavailableError as error:
        return releases, {}, [f"how many releases are newer: {error}"]


def _find_behind(releases: Releases, names: set[str]) -> dict[str, list[str]]:
    """The pinned versions of each of these names of which the newest is not one."""
    pinned = {name: [version for pin, version in releases.uploaded if pin == name] for name in sorted(names)}
    return {name: each for name, each in pinned.items() if each and releases.newest[name].version not in each}


def _find_missing(
    locks: list[Lock], environments: Mapping[str, Mapping[str, Installed]], installed: Mapping[str, Installed]
) -> list[str]:
    away = [
        f"{FOLDER}/{lock.name}.txt: orphans, and metadata of its own releases: {_ENVIRONMENTS[lock.name]} is not"
        " there (`make compat` makes it)"
        for lock in locks
        if lock.name in _ENVIRONMENTS and not environments[lock.name]
    ]
    missing = sorted({pin.name for lock in locks for pin in lock.pins} - set(installed))
    return away + ([f"metadata of what is not installed here: {', '.join(missing)}"] if missing else [])
