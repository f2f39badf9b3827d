"""The locks in requirements/: their pins, and what each of them is the closure of."""

import re
from dataclasses import dataclass
from pathlib import Path

from bench.scan.declared import CORE, Declarations
from bench.scan.names import Requirement, normalise, parse_requirement

FOLDER = "requirements"
_PIN = re.compile(
    r"(?P<name>[\w.-]+)==(?P<version>[^\s;*]+)\s*(?:;[^#]*?)?(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})*)"
)
# Holds all sets, so that the others can take their versions from it.
_WHOLE = "dev"


@dataclass(frozen=True, slots=True)
class Pin:
    """One entry of a lock.

    Attributes:
        name: The distribution, normalised.
        version: The only version that is let in; None if the entry lets in several.
        hashes: How many files are let in by their hash.
    """

    name: str
    version: str | None
    hashes: int


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock.

    Attributes:
        name: Its file's name without the ending.
        pins: Its entries; a distribution can have several, for different Pythons.
        roots: What it was made for: all else in it must be asked for by these.
    """

    name: str
    pins: tuple[Pin, ...]
    roots: tuple[Requirement, ...]


def read_locks(repository: Path, declarations: Declarations) -> list[Lock]:
    """Every lock of the repository, by name.

    Raises: OSError if one cannot be read, KeyError if one is named after nothing that is declared.
    """
    paths = sorted((repository / FOLDER).glob("*.txt"))
    return [Lock(path.stem, parse_pins(path.read_text()), _find_roots(path, declarations)) for path in paths]


def parse_pins(text: str) -> tuple[Pin, ...]:
    """Read a file of pip's form; an entry that is no pin becomes one without a version."""
    lines = (line.split(" #")[0].strip() for line in text.replace("\\\n", " ").splitlines())
    return tuple(_parse_pin(line) for line in lines if line and not line.startswith("#"))


def _parse_pin(line: str) -> Pin:
    match = _PIN.fullmatch(line)
    if match is None:
        return Pin(normalise(re.split(r"[\s;=<>~!\[]", line)[0]), None, line.count("--hash="))
    return Pin(normalise(match["name"]), match["version"], match["hashes"].count("--hash="))


def _find_roots(path: Path, declarations: Declarations) -> tuple[Requirement, ...]:
    """What `make lock` makes the file from: a .in file beside it, or sets of pyproject.toml."""
    source = path.with_suffix(".in")
    if source.exists():
        lines = (line.strip() for line in source.read_text().splitlines())
        return tuple(parse_requirement(line) for line in lines if line and not line.startswith("#"))
    sets = None if path.stem == _WHOLE else [CORE] if path.stem == "gateway" else [CORE, path.stem]
    return tuple(declarations.list_requirements(sets))
