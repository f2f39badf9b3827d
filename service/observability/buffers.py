"""Keeps what is counted on a request's way in plain lists until somebody looks, or they are long.

The library takes a microsecond for each value, and a request has ten of them; to append to a list takes a tenth of it.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from prometheus_client import Counter
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

Value = TypeVar("Value")

# So many values are handed over together; more would only take memory.
_MOST = 512


class Buffer(Generic[Value]):
    """The values of one series that the library has not been told of yet."""

    __slots__ = ("_tell", "_values")

    def __init__(self, tell: Callable[[list[Value]], None]) -> None:
        """Begin empty.

        Args:
            tell: Hands values over to the library.
        """
        self._tell = tell
        self._values: list[Value] = []

    def note(self, value: Value) -> None:
        """Keep one more."""
        self._values.append(value)
        if len(self._values) == _MOST:
            self.flush()

    def flush(self) -> None:
        """Hand all of them over."""
        if self._values:
            values, self._values = self._values, []
            self._tell(values)


class Buffers(Collector):
    """All buffers of one page; to be registered before the metrics, so that these are up to date when they are read."""

    def __init__(self) -> None:
        self._flushes: list[Callable[[], None]] = []

    def make(self, tell: Callable[[list[Value]], None]) -> Buffer[Value]:
        """A buffer of the page; see `Buffer`."""
        buffer = Buffer(tell)
        self._flushes.append(buffer.flush)
        return buffer

    def add_up(self, counter: Counter) -> Buffer[int]:
        """A buffer whose values are added to a counter."""
        return self.make(lambda values: counter.inc(sum(values)))

    def flush_with(self, flush: Callable[[], None]) -> None:
        """Call this, too, before the page is read."""
        self._flushes.append(flush)

    def collect(self) -> Iterator[Metric]:
        """Hand over what is kept; there are no metrics of its own."""
        for flush in list(self._flushes):
            flush()
        return iter(())
