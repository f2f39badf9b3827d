"""The tree of errors: how the tables of the protocols are looked up, and where they are."""

import re
from pathlib import Path

from service import errors
from service.errors import BackendContractError, BackendError, DigitCodecError, find_by_class

ROOT = Path(__file__).parents[2]
TABLE = re.compile(r"^[A-Z]+: Mapping\[type\[DigitCodecError\]", re.MULTILINE)


def test_nearest_class_of_a_table_counts() -> None:
    """An entry of its own, else that of the nearest base."""
    table = {DigitCodecError: "any", BackendError: "backend"}

    assert "backend" == find_by_class(table, BackendContractError("odd"))
    assert "own" == find_by_class({**table, BackendContractError: "own"}, BackendContractError("odd"))
    assert "any" == find_by_class(table, DigitCodecError("odd"))


def test_docstring_names_every_table() -> None:
    """A reader who adds an error finds all places that have to know it."""
    modules = (ROOT / "service" / "api").rglob("*.py")
    tables = {str(path.relative_to(ROOT)) for path in modules if TABLE.search(path.read_text())}

    assert tables == set(re.findall(r"service/api/\w+/\w+\.py", errors.__doc__ or ""))
