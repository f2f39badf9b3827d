"""What the metadata of installed distributions says: licence, modules, requirements, state."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageMetadata, distributions
from pathlib import Path

from bench.scan.names import Requirement, normalise, parse_requirement

UNKNOWN = "not said"
INACTIVE = "Development Status :: 7 - Inactive"
_MODULE_ENDINGS = (".py", ".pyi", ".so", ".pyd")
# Longer than any name of a licence: some put the whole text into this field.
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Installed:
    """One installed distribution.

    Attributes:
        version: Its version.
        licence: The licence's name or expression as its metadata says; `not said` if it does not.
        inactive: Its authors say that nobody works on it.
        requires_python: The Pythons that it lets in; empty means all.
        requirements: What it asks for, for all its extras.
    """

    version: str
    licence: str
    inactive: bool
    requires_python: str
    requirements: tuple[Requirement, ...]


def read_installed(site_packages: Path | None = None) -> dict[str, Installed]:
    """What is installed, by normalised name; in this Python, or in the environment with these packages."""
    return dict(map(_read, _find(site_packages)))


def read_licence(metadata: PackageMetadata) -> str:
    """The newest form that the metadata has: an expression, else classifiers, else the first words of a free text."""
    classifiers = [line for line in metadata.get_all("Classifier", []) if line.startswith("License :: ")]
    names = [line.rpartition(" :: ")[2] for line in classifiers]
    text = (metadata["License"] or "").strip()
    free = text if len(text) <= _LONGEST_NAME and "\n" not in text else ""
    return metadata["License-Expression"] or " OR ".join(names) or free or UNKNOWN


def map_modules(wanted: Iterable[str]) -> dict[str, set[str]]:
    """Which installed distributions bring which modules, packages and folders of them, below these top-level names."""
    tops = set(wanted)
    found: dict[str, set[str]] = defaultdict(set)
    for distribution in distributions():
        modules = _list_modules(distribution, tops)
        name = normalise(distribution.name) if modules else ""
        for module in modules:
            found[module].add(name)
    return dict(found)


def find_owners(target: str, modules: Mapping[str, set[str]]) -> set[str]:
    """Who brings the longest part of the dotted name that is known; empty if nobody is known to."""
    while target and target not in modules:
        target = target.rpartition(".")[0]
    return modules.get(target, set())


def _find(site_packages: Path | None) -> Iterable[Distribution]:
    return distributions() if site_packages is None else distributions(path=[str(site_packages)])


def _read(distribution: Distribution) -> tuple[str, Installed]:
    metadata = distribution.metadata  # read once: each look at it parses the whole file
    return normalise(metadata["Name"]), Installed(
        version=metadata["Version"],
        licence=read_licence(metadata),
        inactive=INACTIVE in metadata.get_all("Classifier", []),
        requires_python=metadata["Requires-Python"] or "",
        requirements=tuple(parse_requirement(line) for line in distribution.requires or ()),
    )


def _list_modules(distribution: Distribution, tops: set[str]) -> set[str]:
    """Dotted names; read from the raw list of files, as parsing TensorFlow's into paths takes seconds."""
    found: set[str] = set()
    for line in (distribution.read_text("RECORD") or "").splitlines():
        path = line.split(",", 1)[0]
        if re.split(r"[/.]", path, maxsplit=1)[0] in tops and path.endswith(_MODULE_ENDINGS):
            folder, _, file = path.rpartition("/")
            parts = [*filter(None, folder.split("/")), file.split(".")[0]]
            found.update(".".join(parts[: length + 1]) for length in range(len(parts)))
    return found
