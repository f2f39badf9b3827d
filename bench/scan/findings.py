"""What a scan finds, and which of it fails the scan."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What can be wrong with a dependency."""

    UNPINNED = "unpinned"
    NO_HASH = "no hash"
    NOT_LOCKED = "not locked"
    ORPHAN = "orphan"
    UNDECLARED = "undeclared import"
    UNUSED = "unused declaration"
    UNEXPLAINED = "unexplained"
    INACTIVE = "inactive"
    YANKED = "yanked"
    OLD = "old"
    PYTHON = "newest Python"
    COPYLEFT = "copyleft"
    NO_LICENCE = "no licence"


# The others ask for a look, and for a line in reviewed.py that says what was seen.
FAILING = frozenset(
    {
        Kind.UNPINNED,
        Kind.NO_HASH,
        Kind.NOT_LOCKED,
        Kind.UNDECLARED,
        Kind.UNUSED,
        Kind.UNEXPLAINED,
        Kind.INACTIVE,
        Kind.YANKED,
    }
)


class Finding(NamedTuple):
    """One thing that is wrong, or wants a look.

    Attributes:
        kind: What is wrong.
        name: The distribution, normalised; the import where no distribution is known.
        text: What was seen, and where.
    """

    kind: Kind
    name: str
    text: str

    @property
    def fails(self) -> bool:
        """The scan ends with status 1 for it."""
        return self.kind in FAILING

    def __str__(self) -> str:
        """One line."""
        return f"{'FAIL' if self.fails else 'look'}  {self.kind}: {self.name}: {self.text}"
