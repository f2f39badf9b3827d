"""One request while it waits for, and travels through, the backend."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from service.domain import UNKNOWN_ORIGIN, Answer, Call, Deadline, Origin, Rows
from service.errors import DeadlineExceededError


@dataclass(slots=True, eq=False)
class Entry:
    """A request's rows, how many of them have been taken into batches, and where its answer goes.

    Attributes:
        call: What to run.
        rows: The request's rows, (n, ...).
        deadline: When its caller gives up.
        result: Where the caller waits.
        order: Its place in the arrival order.
        origin: Where it came from.
        taken: Rows already put into a batch.
        parts: The answers that came back so far, by the row at which they begin.
    """

    call: Call
    rows: Rows
    deadline: Deadline
    result: asyncio.Future[Answer]
    order: int
    origin: Origin = UNKNOWN_ORIGIN
    taken: int = 0
    parts: dict[int, Answer] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """Rows that no batch has taken yet."""
        return len(self.rows) - self.taken

    def take(self, limit: int) -> "Part":
        """Cut the next rows off, at most `limit` of them."""
        start, self.taken = self.taken, min(len(self.rows), self.taken + limit)
        return Part(self, start, self.taken)

    def is_wanted(self) -> bool:
        """True while somebody waits for the answer and has time left; out of time, the caller is told."""
        if self.deadline.remaining_s() <= 0:
            self.expire()
        return not self.result.done()

    def give_up(self) -> int:
        """Drop the rows that no batch has taken; returns how many that were."""
        dropped, self.taken = self.waiting, len(self.rows)
        return dropped

    def restart(self) -> None:
        """Forget every part, so that the whole request runs again."""
        self.taken = 0
        self.parts.clear()

    def expire(self) -> None:
        """Tell the caller that its time is up."""
        self.fail(DeadlineExceededError("the deadline passed before the answer was ready"))

    def fail(self, error: Exception) -> None:
        """Hand the error to the caller, unless it left or has its answer."""
        if not self.result.done():
            self.result.set_exception(error)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows `start` to `stop` of one entry, inside one batch."""

    entry: Entry
    start: int
    stop: int

    @property
    def rows(self) -> Rows:
        """The part's own rows."""
        return self.entry.rows[self.start : self.stop]

    def __len__(self) -> int:
        return self.stop - self.start

    def deliver(self, answer: Answer, requeue: Callable[[Entry], None]) -> None:
        """Keep this part's answer, and hand the whole answer over once no part is missing.

        A request that was cut while a new version took over would mix two models' answers; it is given to
        `requeue` instead, to run again as a whole.
        """
        entry = self.entry
        if entry.result.done():  # its caller left or ran out of time; the neighbours still want theirs
            return
        if len(self) == len(entry.rows):
            entry.result.set_result(answer)
            return
        entry.parts[self.start] = answer
        if sum(_count_rows(part) for part in entry.parts.values()) < len(entry.rows):
            return
        if len({part.version for part in entry.parts.values()}) > 1:
            requeue(entry)
        else:
            entry.result.set_result(_join([entry.parts[start] for start in sorted(entry.parts)]))


def split(answer: Answer, start: int, stop: int) -> Answer:
    """Rows `start` to `stop` of a batch's answer."""
    return Answer(answer.version, {name: rows[start:stop] for name, rows in answer.outputs.items()})


def _count_rows(answer: Answer) -> int:
    return len(next(iter(answer.outputs.values())))


def _join(answers: list[Answer]) -> Answer:
    names = answers[0].outputs
    return Answer(
        answers[0].version, {name: np.concatenate([each.outputs[name] for each in answers]) for name in names}
    )
