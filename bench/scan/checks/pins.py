"""Are the locks whole: every entry pinned and hashed, everything declared in them, nothing else?"""

from collections.abc import Iterable, Mapping

from bench.scan.declared import Declarations
from bench.scan.findings import Finding, Kind
from bench.scan.installed import Installed
from bench.scan.locks import FOLDER, Lock
from bench.scan.names import Requirement


def check_pins(locks: Iterable[Lock]) -> list[Finding]:
    """Entries that let in several releases, or files that nobody has seen."""
    unpinned = [
        Finding(Kind.UNPINNED, pin.name, f"{FOLDER}/{lock.name}.txt names no single version")
        for lock in locks
        for pin in lock.pins
        if pin.version is None
    ]
    unhashed = [
        Finding(Kind.NO_HASH, pin.name, f"{FOLDER}/{lock.name}.txt has no hash of it")
        for lock in locks
        for pin in lock.pins
        if not pin.hashes
    ]
    return unpinned + unhashed


def check_roots(locks: Iterable[Lock]) -> list[Finding]:
    """What a lock was made for and does not hold: it was not made anew."""
    return [
        Finding(Kind.NOT_LOCKED, name, f"{FOLDER}/{lock.name}.txt lacks it; run `make lock`")
        for lock in locks
        for name in sorted({root.name for root in lock.roots} - {pin.name for pin in lock.pins})
    ]


def check_build(declarations: Declarations, locks: Iterable[Lock]) -> list[Finding]:
    """What builds the package and comes unpinned; a tool that no installation from a lock runs."""
    locked = {pin.name for lock in locks for pin in lock.pins}
    return [
        Finding(Kind.ORPHAN, each.name, "builds the package, and is in no lock")
        for each in declarations.build
        if each.name not in locked
    ]


def check_orphans(lock: Lock, installed: Mapping[str, Installed]) -> list[Finding]:
    """What is locked and asked for by nothing that is declared, as far as `installed` knows requirements."""
    reached = reach(lock.roots, installed)
    return [
        Finding(Kind.ORPHAN, name, f"{FOLDER}/{lock.name}.txt holds it, and nothing there asks for it")
        for name in sorted({pin.name for pin in lock.pins} - reached)
    ]


def reach(roots: Iterable[Requirement], installed: Mapping[str, Installed]) -> set[str]:
    """Every distribution that the roots ask for, directly or not, on any system and Python."""
    waiting = list(roots)
    seen: set[tuple[str, str]] = set()
    while waiting:
        asked = waiting.pop()
        new = {(asked.name, extra) for extra in {"", *asked.extras}} - seen
        seen |= new
        requirements = installed[asked.name].requirements if asked.name in installed else ()
        waiting += [each for _, extra in new for each in requirements if extra in (each.only_for or {""})]
    return {name for name, _ in seen}
