"""All attacks, and the table of docs/security.md that names them."""

import re
from pathlib import Path

from support.attacks import bodies, callers, elsewhere, heads, keys, rpc, tls

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = REPOSITORY / "docs" / "security.md"

ATTACKS = (*keys.ATTACKS, *tls.ATTACKS, *heads.ATTACKS, *bodies.ATTACKS, *callers.ATTACKS, *rpc.ATTACKS)
HELD = elsewhere.HELD
"""Rows that other tests hold."""

_ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)


def read_rows() -> list[list[str]]:
    """The rows of the table: the refusal, its setting, what is tried, the answer."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## What is refused\n")[2].partition("\n## ")[0]
    rows = [row.split(" | ") for row in _ROW.findall(section)]
    return [row for row in rows if row[0] != "refusal" and not row[0].startswith("---")]


def find_missing_tests(tests: tuple[str, ...]) -> list[str]:
    """Those of tests, each as path::name, that there are not."""
    return [each for each in tests if not _has_test(*each.split("::"))]


def _has_test(path: str, name: str) -> bool:
    file = REPOSITORY / path
    return file.is_file() and f"def {name}(" in file.read_text(encoding="utf-8")
