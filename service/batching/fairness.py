"""Whose turn it is among callers, and how much of a waiting room one of them may fill."""

from dataclasses import dataclass

from service.shares import is_within_share


@dataclass(slots=True)
class _Account:
    """What a caller has in the waiting room; it lasts as long as that is anything.

    Attributes:
        rows: Its rows that wait.
        finish: The virtual time at which all of them will have had their turn.
        newest: The tag of what it brought last.
    """

    rows: int
    finish: float
    newest: float


class Accounts:
    """Turns by self-clocked fair queueing (Golestani 1994), shares by dynamic thresholds (Choudhury, Hahne 1998).

    Virtual time counts the rows that each waiting caller has been served. A request's tag is the time at which its next
    rows will have had their turn: it begins when that of its caller's former rows is over, or now. Who serves by the
    order of tags gives every caller as many rows as the others, and lets those who ask for little wait for little. The
    clock shows the tag of what was served last, so that nothing need be known of callers who have nothing waiting.
    """

    def __init__(self) -> None:
        self._by_caller: dict[str, _Account] = {}
        self._now = 0.0

    def __len__(self) -> int:
        return len(self._by_caller)

    def count_rows(self, caller: str) -> int:
        """The caller's rows that wait."""
        account = self._by_caller.get(caller)
        return account.rows if account else 0

    def may_hold(self, caller: str, rows: int, free_rows: int) -> bool:
        """Whether so many more rows are within the caller's share.

        Args:
            caller: Who has brought them. One that has nothing waiting yet may bring anything; so may nobody in
                particular, which is many callers.
            rows: How many.
            free_rows: Rows that there is still room for.
        """
        account = self._by_caller.get(caller)
        return account is None or is_within_share(caller, account.rows, rows, free_rows)

    def charge(self, caller: str, rows: int, next_rows: int) -> float:
        """Note that so many rows wait from now on.

        Args:
            caller: Whose they are.
            rows: How many.
            next_rows: How many of them will be served at once.

        Returns:
            Their tag.
        """
        account = self._by_caller.get(caller)
        if account is None:
            account = self._by_caller[caller] = _Account(0, self._now, self._now)
        begin = max(account.finish, self._now)
        account.rows += rows
        account.finish = begin + rows
        # After a refund it may begin before what came earlier, and must not overtake it.
        account.newest = max(account.newest, begin + next_rows)
        return account.newest

    def serve(self, caller: str, rows: int, tag: float) -> None:
        """Note that rows leave for the backend, the last of them with this tag."""
        self._now = max(self._now, tag)
        self._take_off(caller, rows)

    def refund(self, caller: str, rows: int) -> None:
        """Note that rows leave without having been served: their time is their caller's to use again."""
        self._by_caller[caller].finish -= rows
        self._take_off(caller, rows)

    def clear(self) -> None:
        """Forget everybody."""
        self._by_caller.clear()

    def _take_off(self, caller: str, rows: int) -> None:
        account = self._by_caller[caller]
        account.rows -= rows
        if not account.rows:
            del self._by_caller[caller]
