"""The bounded first-in, first-out store of requests that wait for the backend."""

from collections import deque

from service.batching.drain import DrainRate
from service.batching.entry import Entry, Part
from service.domain import Call
from service.errors import OverloadedError

# Rows may share a batch if they are for the same call and have the same shape.
_Kind = tuple[Call, tuple[int, ...]]


class WaitingRoom:
    """Entries in order of arrival, one line for each kind of call, bounded in rows.

    The oldest entry decides which kind leaves next, so that no kind starves; entries of that kind that came
    later may ride along.
    """

    def __init__(self, max_rows: int, rate: DrainRate) -> None:
        self._max_rows = max_rows
        self._rate = rate
        self._lines: dict[_Kind, deque[Entry]] = {}
        self.rows = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def admit(self, entry: Entry) -> None:
        """Put the entry at the end of its line.

        Raises:
            OverloadedError: If its rows would exceed the bound; its `retry_after_s` is the time that those who wait
                will take, by the measured rate.
        """
        if self.rows + entry.waiting > self._max_rows:
            raise self._refuse(entry)
        self._line(entry).append(entry)
        self.rows += entry.waiting

    def readmit(self, entry: Entry) -> None:
        """Put back, before all others of its kind, an entry that must run again; it was admitted once already."""
        self._line(entry).appendleft(entry)
        self.rows += entry.waiting

    def remove(self, entry: Entry) -> None:
        """Free the place of an entry whose caller no longer waits; one that has left already is ignored."""
        kind = _kind_of(entry)
        line = self._lines.get(kind)
        if line is None or entry not in line:
            return
        line.remove(entry)
        self._close_if_empty(kind)
        self.rows -= entry.waiting

    def take(self, limit: int) -> list[Part]:
        """Cut the next batch: at most `limit` rows of the kind whose oldest entry has waited longest.

        Entries that nobody waits for any more are turned out on the way, so the batch may be empty.
        """
        kind = min(self._lines, key=lambda each: self._lines[each][0].order)
        line = self._lines[kind]
        parts: list[Part] = []
        while line and limit > 0:
            if line[0].is_wanted():
                part = line[0].take(limit)
                parts.append(part)
                limit -= len(part)
                self.rows -= len(part)
            else:
                self.rows -= line[0].give_up()
            if not line[0].waiting:
                line.popleft()
        self._close_if_empty(kind)
        return parts

    def empty(self) -> list[Entry]:
        """Turn everybody out, and say who it was."""
        entries = [entry for line in self._lines.values() for entry in line]
        self._lines.clear()
        self.rows = 0
        return entries

    def _refuse(self, entry: Entry) -> OverloadedError:
        error = OverloadedError(f"{self.rows} rows wait, {entry.waiting} more came, the limit is {self._max_rows}")
        error.retry_after_s = self._rate.estimate_wait_s(self.rows)
        return error

    def _line(self, entry: Entry) -> deque[Entry]:
        return self._lines.setdefault(_kind_of(entry), deque())

    def _close_if_empty(self, kind: _Kind) -> None:
        if not self._lines[kind]:
            del self._lines[kind]


def _kind_of(entry: Entry) -> _Kind:
    return entry.call, entry.rows.shape[1:]
