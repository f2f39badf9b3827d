"""The bounded store of requests that wait for the backend; callers take turns."""

import math
from bisect import bisect_left, insort
from operator import attrgetter

from service.batching.drain import DrainRate
from service.batching.entry import Entry, Part
from service.batching.fairness import Accounts
from service.domain import Call
from service.errors import OverloadedError

# Rows may share a batch if they are for the same call and have the same shape.
_Kind = tuple[Call, tuple[int, ...]]

_read_place = attrgetter("place")


class WaitingRoom:
    """Entries in order of their callers' turns, one line for each kind of call, bounded in rows.

    What one caller sends leaves in the order of its arrival; among callers each is given as many rows as the others.
    The entry whose turn it is decides which kind leaves next, so that no kind starves; others of that kind may ride
    along.
    """

    def __init__(self, max_rows: int, max_batch_rows: int, rate: DrainRate) -> None:
        """An empty room.

        Args:
            max_rows: Most rows that wait.
            max_batch_rows: Most rows that leave together.
            rate: Tells those who are refused when to come back.
        """
        self._max_rows = max_rows
        self._max_batch_rows = max_batch_rows
        self._rate = rate
        self._lines: dict[_Kind, list[Entry]] = {}
        # The first entry of each line, in order: one caller can make as many lines as rows, and each turn looks here.
        self._heads: list[Entry] = []
        self._accounts = Accounts()
        self.rows = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def count_rows(self, caller: str) -> int:
        """The caller's rows that wait."""
        return self._accounts.count_rows(caller)

    def find_refusal(self, rows: int, caller: str) -> OverloadedError | None:
        """What `admit` would raise for so many rows of a caller; None if they would be admitted."""
        free_rows = self._max_rows - self.rows
        if rows > free_rows:
            return self._refuse(f"{self.rows} rows wait, {rows} more came, the limit is {self._max_rows}", self.rows)
        if self._accounts.may_hold(caller, rows, free_rows):
            return None
        held_rows = self.count_rows(caller)
        detail = f"{held_rows} rows of this caller wait, {rows} more came, its share of the queue is full"
        return self._refuse(detail, held_rows)

    def admit(self, entry: Entry) -> None:
        """Give the entry its place.

        Raises:
            OverloadedError: If its rows would exceed the bound, or its caller's share; its `retry_after_s` is the time
                that those who wait will take, or the caller's own, by the measured rate.
        """
        rows = entry.waiting
        refusal = self.find_refusal(rows, entry.origin.caller)
        if refusal is not None:
            raise refusal
        self._put(entry, self._charge(entry, rows))

    def readmit(self, entry: Entry) -> None:
        """Put back, before all others of its kind, an entry that must run again; it was admitted once already."""
        self._charge(entry, entry.waiting)
        self._put(entry, -math.inf)

    def remove(self, entry: Entry) -> None:
        """Free the places of an entry whose caller no longer waits; one that has left already is ignored."""
        kind = _kind_of(entry)
        if not _take_out(self._lines.get(kind, []), entry):
            return
        if _take_out(self._heads, entry):
            self._name_head(kind)
        self._turn_out(entry)

    def take(self) -> list[Part]:
        """Cut the next batch, of the kind whose first entry has its turn before those of the others.

        Entries that nobody waits for any more are turned out on the way, so the batch may be empty.
        """
        kind = _kind_of(self._heads.pop(0))
        line = self._lines[kind]
        parts: list[Part] = []
        limit, seen = self._max_batch_rows, 0
        while seen < len(line) and limit > 0:
            entry = line[seen]
            seen += 1
            if entry.is_wanted():
                parts.append(self._cut(entry, limit))
                limit -= len(parts[-1])
            else:
                self._turn_out(entry)
        del line[:seen]
        if parts and parts[-1].entry.waiting:
            _put_in(line, parts[-1].entry)
        self._name_head(kind)
        return parts

    def empty(self) -> list[Entry]:
        """Turn everybody out, and say who it was."""
        entries = [entry for line in self._lines.values() for entry in line]
        self._lines.clear()
        self._heads.clear()
        self._accounts.clear()
        self.rows = 0
        return entries

    def _refuse(self, detail: str, rows_ahead: int) -> OverloadedError:
        error = OverloadedError(detail)
        error.retry_after_s = self._rate.estimate_wait_s(rows_ahead)
        return error

    def _charge(self, entry: Entry, rows: int) -> float:
        self.rows += rows
        return self._accounts.charge(entry.origin.caller, rows, min(rows, self._max_batch_rows))

    def _put(self, entry: Entry, tag: float) -> None:
        entry.place = (tag, entry.order)
        line = self._lines.setdefault(_kind_of(entry), [])
        _put_in(line, entry)
        if line[0] is entry:
            if len(line) > 1:
                _take_out(self._heads, line[1])
            _put_in(self._heads, entry)

    def _cut(self, entry: Entry, limit: int) -> Part:
        """Take at most `limit` rows of the entry, and move its place on by as many."""
        tag, order = entry.place
        waiting = entry.waiting
        part = entry.take(limit)
        rows = len(part)
        end = tag - min(waiting, self._max_batch_rows) + rows
        self.rows -= rows
        self._accounts.serve(entry.origin.caller, rows, end)
        if waiting > rows:
            entry.place = (end + min(waiting - rows, self._max_batch_rows), order)
        return part

    def _turn_out(self, entry: Entry) -> None:
        rows = entry.give_up()
        self.rows -= rows
        self._accounts.refund(entry.origin.caller, rows)

    def _name_head(self, kind: _Kind) -> None:
        """Let the first entry of a line that has lost its head take turns for it; one that nobody is in ends."""
        if line := self._lines[kind]:
            _put_in(self._heads, line[0])
        else:
            del self._lines[kind]


def _kind_of(entry: Entry) -> _Kind:
    return entry.call, entry.rows.shape[1:]


def _put_in(line: list[Entry], entry: Entry) -> None:
    if not line or line[-1].place < entry.place:  # as a rule, so that nothing need be searched
        line.append(entry)
    else:
        insort(line, entry, key=_read_place)


def _take_out(line: list[Entry], entry: Entry) -> bool:
    """False if the entry does not stand in the line."""
    index = bisect_left(line, entry.place, key=_read_place)
    if index == len(line) or line[index] is not entry:
        return False
    del line[index]
    return True
