"""What pyproject.toml declares: the gateway's own dependencies, the extras and the groups of tools."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.scan.names import Requirement, parse_requirement

CORE = "core"


@dataclass(frozen=True, slots=True)
class Declarations:
    """What is declared, and where our own modules lie.

    Attributes:
        sets: Requirements by the name of their extra or group; `core` is what everyone gets.
        build: What builds the package; no lock holds it.
        import_roots: Folders, relative to the repository, in which our own modules lie.
    """

    sets: dict[str, tuple[Requirement, ...]]
    build: tuple[Requirement, ...]
    import_roots: tuple[str, ...]

    def find_names(self, sets: Iterable[str] | None = None) -> set[str]:
        """The distributions of these sets; of all if none are given."""
        return {requirement.name for requirement in self.list_requirements(sets)}

    def list_requirements(self, sets: Iterable[str] | None = None) -> list[Requirement]:
        """What these sets ask for; all sets if none are given. Raises: KeyError for a set that is not declared."""
        return [requirement for name in (self.sets if sets is None else sets) for requirement in self.sets[name]]


def read_declarations(repository: Path) -> Declarations:
    """Read the repository's pyproject.toml.

    Raises: OSError if it cannot be read, tomllib.TOMLDecodeError if it is no TOML, KeyError if a table lacks.
    """
    document = tomllib.loads((repository / "pyproject.toml").read_text())
    project = document["project"]
    named = {CORE: project["dependencies"], **project["optional-dependencies"], **document["dependency-groups"]}
    return Declarations(
        sets={name: _parse(lines) for name, lines in named.items()},
        build=_parse(document["build-system"]["requires"]),
        import_roots=tuple(document["tool"]["pytest"]["ini_options"]["pythonpath"]),
    )


def _parse(lines: Iterable[str]) -> tuple[Requirement, ...]:
    return tuple(parse_requirement(line) for line in lines)
