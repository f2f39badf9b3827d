"""How many bytes of requests are held at the same time, by all callers and by each."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import OverloadedError
from service.shares import NOBODY, is_within_share


class ByteBudget:
    """A bound on the memory that requests take before their rows reach the queue, which has a bound of its own.

    One caller's requests may fill eight ninths of what others leave. A single request is no share: the only one of its
    caller may be as large as what is free.

    Attributes:
        used: Bytes held now.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._used_by: dict[str, int] = {}  # only callers who hold anything
        self.used = 0

    def open(self, caller: str) -> "Holding":
        """What one request of a caller will hold; whoever opens it lets it go."""
        return Holding(self, caller)

    @contextmanager
    def hold(self, size_bytes: int, caller: str = NOBODY) -> Iterator[None]:
        """Count bytes as held for as long as the block lasts.

        Raises:
            OverloadedError: If they do not fit.
        """
        holding = self.open(caller)
        holding.take(size_bytes)
        try:
            yield
        finally:
            holding.let_go()

    def check(self, size_bytes: int, caller: str, own_bytes: int) -> None:
        """Refuse what would not fit now.

        Args:
            size_bytes: How much more is to be held.
            caller: By whom.
            own_bytes: What the same request holds already.

        Raises:
            OverloadedError: If it would not fit, or is more than the caller's share.
        """
        free_bytes = self._limit_bytes - self.used
        if size_bytes > free_bytes:
            raise OverloadedError(
                f"{self.used} bytes of requests are held, {size_bytes} more came, the limit is {self._limit_bytes}"
            )
        used = self._used_by.get(caller, 0)
        if used > own_bytes and not is_within_share(caller, used, size_bytes, free_bytes):
            raise OverloadedError(
                f"{used} bytes of this caller's requests are held, {size_bytes} more came, its share is full"
            )

    def change(self, size_bytes: int, caller: str) -> None:
        """Count so many bytes more as held, or fewer if they are below 0; a caller who holds none is forgotten."""
        self.used += size_bytes
        used = self._used_by[caller] = self._used_by.get(caller, 0) + size_bytes
        if not used:
            del self._used_by[caller]


class Holding:
    """What one request holds of the budget."""

    __slots__ = ("_budget", "_bytes", "_caller")

    def __init__(self, budget: ByteBudget, caller: str) -> None:
        self._budget = budget
        self._caller = caller
        self._bytes = 0

    def check(self, size_bytes: int) -> None:
        """Refuse what would not fit now, before any of it is read.

        Raises:
            OverloadedError: If it would not.
        """
        self._budget.check(size_bytes, self._caller, self._bytes)

    def take(self, size_bytes: int) -> None:
        """Count bytes as held.

        Raises:
            OverloadedError: If they do not fit; then none of them is counted.
        """
        self.check(size_bytes)
        self._budget.change(size_bytes, self._caller)
        self._bytes += size_bytes

    def let_go(self) -> None:
        """Count none of them as held any longer."""
        self._budget.change(-self._bytes, self._caller)
        self._bytes = 0
