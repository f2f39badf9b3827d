"""How distributions and requirements are written, and how we compare them."""

import re
from typing import NamedTuple

_REQUIREMENT = re.compile(r"\s*(?P<name>[\w.-]+)\s*(?:\[(?P<extras>[^\]]*)\])?[^;]*(?:;(?P<marker>.*))?", re.DOTALL)
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


class Requirement(NamedTuple):
    """What one line asks for; versions do not matter here.

    Attributes:
        name: The distribution, normalised.
        extras: Its extras that are asked for, normalised.
        only_for: The extras of the asking distribution of which one must be chosen; empty if none need be.
    """

    name: str
    extras: frozenset[str]
    only_for: frozenset[str]


def normalise(name: str) -> str:
    """A distribution's or extra's name as the index compares it: `Foo.bar_baz` and `foo-bar-baz` are one."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_requirement(line: str) -> Requirement:
    """Read `name[extra] >= 1 ; marker`; of the marker only extras count, every system and Python is meant.

    Raises: ValueError if the line has no name.
    """
    match = _REQUIREMENT.fullmatch(line)
    if match is None:
        raise ValueError(f"{line!r} is no requirement")
    extras = (match["extras"] or "").split(",")
    return Requirement(
        name=normalise(match["name"]),
        extras=frozenset(normalise(extra.strip()) for extra in extras if extra.strip()),
        only_for=frozenset(map(normalise, _EXTRA.findall(match["marker"] or ""))),
    )
