"""Is what we import declared, what we declare used, and each declaration explained?"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.scan.declared import CORE, Declarations
from bench.scan.findings import Finding, Kind
from bench.scan.imports import Import
from bench.scan.installed import find_owners
from bench.scan.reasons import Reason

# What an installation without our tools has, for each area that is used without them; the others may use everything.
_SETS = {"service": (CORE, "bulk", "client", "embedded", "traces"), "training": (CORE, "train")}
_STUBS = "types-"


def check_imports(
    imports: Iterable[Import], modules: Mapping[str, set[str]], declarations: Declarations
) -> list[Finding]:
    """Imports that work only because something else brings the distribution along."""
    places: dict[str, set[str]] = defaultdict(set)
    for path, target in imports:
        owners = find_owners(target, modules)
        if not owners & _list_allowed(path, declarations):
            places[" or ".join(sorted(owners)) or target].add(path)
    return [
        Finding(Kind.UNDECLARED, name, f"imported and not declared: {_shorten(paths)}")
        for name, paths in sorted(places.items())
    ]


def find_imported(imports: Iterable[Import], modules: Mapping[str, set[str]]) -> set[str]:
    """The distributions of which something is imported."""
    return {owner for each in imports for owner in find_owners(each.target, modules)}


def check_declarations(
    imported: set[str], declarations: Declarations, reasons: Mapping[str, Reason], repository: Path
) -> list[Finding]:
    """Declarations that nothing imports and no file of the repository calls for."""
    return [
        Finding(Kind.UNUSED, name, "declared, and neither imported nor seen where reasons.py says it is used")
        for name in sorted(declarations.find_names())
        if not (_without_stubs(name, imported) in imported or _is_seen(reasons.get(name), repository))
    ]


def check_reasons(declarations: Declarations, reasons: Mapping[str, Reason]) -> list[Finding]:
    """Declarations without a reason, and reasons without a declaration."""
    declared = declarations.find_names()
    missing = [
        Finding(Kind.UNEXPLAINED, name, "reasons.py does not say why") for name in sorted(declared - set(reasons))
    ]
    left = [
        Finding(Kind.UNEXPLAINED, name, "reasons.py explains it, and it is not declared")
        for name in sorted(set(reasons) - declared)
    ]
    return missing + left


def _list_allowed(path: str, declarations: Declarations) -> set[str]:
    return declarations.find_names(_SETS.get(path.partition("/")[0]))


def _without_stubs(name: str, imported: set[str]) -> str:
    """Types are used where what they describe is imported."""
    described = name.removeprefix(_STUBS)
    return described if described in imported else name


def _is_seen(reason: Reason | None, repository: Path) -> bool:
    if reason is None or reason.seen_in is None:
        return False
    path = repository / reason.seen_in.path
    return path.exists() and reason.seen_in.words in path.read_text()


def _shorten(paths: set[str]) -> str:
    first, *others = sorted(paths)
    return f"{first} and {len(others)} more" if others else first
