"""How many bytes of requests are held at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import OverloadedError


class ByteBudget:
    """A bound on the memory that requests take before their rows reach the queue, which has a bound of its own.

    Attributes:
        used: Bytes held now.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.used = 0

    def check(self, size_bytes: int) -> None:
        """Refuse what would not fit now, before any of it is read.

        Raises:
            OverloadedError: If it would not.
        """
        if self.used + size_bytes > self._limit_bytes:
            raise OverloadedError(
                f"{self.used} bytes of requests are held, {size_bytes} more came, the limit is {self._limit_bytes}"
            )

    @contextmanager
    def hold(self, size_bytes: int) -> Iterator[None]:
        """Count bytes as held for as long as the block lasts.

        Raises:
            OverloadedError: If they do not fit.
        """
        self.take(size_bytes)
        try:
            yield
        finally:
            self.give_back(size_bytes)

    def take(self, size_bytes: int) -> None:
        """Count bytes as held; whoever does gives them back.

        Raises:
            OverloadedError: If they do not fit; then none is counted.
        """
        self.check(size_bytes)
        self.used += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Count bytes as held no longer."""
        self.used -= size_bytes
