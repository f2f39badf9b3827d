"""What distributions say of themselves: their state, their licence, the Pythons that they let in."""

import re
from collections.abc import Mapping

from bench.scan.findings import Finding, Kind
from bench.scan.installed import UNKNOWN, Installed

# The newest that TensorFlow 2.21 has wheels for, so the newest that all of digitcodec runs on.
NEWEST_PYTHON = (3, 13)

# LGPL and MPL ask for nothing of who only imports; the text of these reaches the whole work.
_COPYLEFT = re.compile(
    r"\b(A?GPL|GNU (Affero )?General Public|EUPL|European Union Public|SSPL|OSL|CC-BY-SA)", re.IGNORECASE
)
_BOUND = re.compile(r"(<=|<|==|!=)\s*(\d+)(?:\.(\d+))?(\.\*)?(?=\s*(?:,|$))")


def check_metadata(installed: Mapping[str, Installed]) -> list[Finding]:
    """Findings in the metadata of these distributions."""
    return [finding for name, each in sorted(installed.items()) for finding in _check(name, each)]


def is_copyleft(licence: str) -> bool:
    """The licence has no part one could choose instead of one that reaches further than LGPL and MPL do."""
    choices = re.split(r"\s+OR\s+", licence)
    return all(_COPYLEFT.search(choice) for choice in choices)


def lets_in(requires_python: str, python: tuple[int, int]) -> bool:
    """A bound of the form `<4`, `<=3.12`, `==3.11.*` or `!=3.13.*` does not exclude the Python."""
    return not any(_excludes(match, python) for match in _BOUND.finditer(requires_python))


def _check(name: str, each: Installed) -> list[Finding]:
    findings = []
    if each.inactive:
        findings.append(Finding(Kind.INACTIVE, name, "its classifier says that nobody works on it"))
    if not lets_in(each.requires_python, NEWEST_PYTHON):
        newest = ".".join(map(str, NEWEST_PYTHON))
        findings.append(Finding(Kind.PYTHON, name, f"does not let in Python {newest}: {each.requires_python}"))
    if each.licence == UNKNOWN:
        findings.append(Finding(Kind.NO_LICENCE, name, "its metadata names no licence"))
    if is_copyleft(each.licence):
        findings.append(Finding(Kind.COPYLEFT, name, each.licence))
    return findings


def _excludes(bound: re.Match[str], python: tuple[int, int]) -> bool:
    operator, major, minor, any_patch = bound.groups()
    limit = (int(major), int(minor or 0))
    if operator == "!=":
        return any_patch is not None and limit == python
    if operator == "==":
        return limit != python
    return python > limit if operator == "<=" else python >= limit
