"""What callers of a service that stops have sent, and what came of each request."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from bench.load.verdict import Outcome, Verdict
from bench.words.ask import Door

_MOST_TEXTS = 20


class End(StrEnum):
    """How one request that was sent has ended.

    Whoever was told `not_ready` over gRPC and calls again on the same connection may be cut: gRPC's server reads calls
    one by one, and its close ends those that it has not read. None of them was admitted.
    """

    RIGHT = "right"
    REFUSED = "refused as documented"
    UNREAD = "unread by a stream that ended as documented"
    RACED = "sent on a kept connection as it was closed"
    INSISTED = "sent again after 'not ready', and cut by the close"
    LOST = "lost"
    WRONG = "wrong or undocumented"


_ENDS = {
    Outcome.RIGHT: End.RIGHT,
    Outcome.NOT_READY: End.REFUSED,
    Outcome.OVERLOADED: End.REFUSED,
    Outcome.EXPIRED: End.REFUSED,
}


@dataclass(slots=True)
class Ledger:
    """Counts of one round.

    Attributes:
        sent: Requests by door.
        ends: The same by how they ended.
        refused_connections: New connections that nobody took: their callers sent nothing.
        texts: What was wrong, in words; the first few.
    """

    sent: Counter[Door] = field(default_factory=Counter)
    ends: Counter[tuple[Door, End]] = field(default_factory=Counter)
    refused_connections: int = 0
    texts: list[str] = field(default_factory=list)

    def note_verdict(self, door: Door, verdict: Verdict) -> None:
        """A whole answer has come."""
        self.note_end(door, _ENDS.get(verdict.outcome, End.WRONG), verdict.text)

    def note_end(self, door: Door, end: End, text: str = "", number: int = 1) -> None:
        """So many requests have ended."""
        self.ends[door, end] += number
        if text and len(self.texts) < _MOST_TEXTS:
            self.texts.append(f"{door}, {end}: {text}")

    def count(self, *ends: End) -> int:
        """Requests that ended so, through all doors."""
        return sum(number for (_, end), number in self.ends.items() if end in ends)

    def count_unaccounted(self) -> int:
        """Requests that were sent and of which nothing is known."""
        return self.sent.total() - self.ends.total()
