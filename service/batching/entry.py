"""One request while it waits for, and travels through, the backend."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from service.domain import UNKNOWN_ORIGIN, Answer, Call, Deadline, Origin, Rows, Selector
from service.errors import DeadlineExceededError, NotFoundError, NotReadyError


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
        admitted_s: When it was admitted, by the batcher's clock.
        left_s: When its first rows left for the backend; None before.
        place: Its tag among those of all callers (see `Accounts`), and its order; whoever has the least goes first.
        taken: Rows already put into a batch.
        parts: The answers that came back so far, by the row at which they begin.
        batches: The backend calls that its rows have been put into.
        asked: What its caller asked for, once `call` has been pinned to a version; None before.
        timer: Ends at its deadline, where that is near or the answer slow.
    """

    call: Call
    rows: Rows
    deadline: Deadline
    result: asyncio.Future[Answer]
    order: int
    origin: Origin = UNKNOWN_ORIGIN
    admitted_s: float = 0.0
    left_s: float | None = None
    place: tuple[float, int] = (0.0, 0)
    taken: int = 0
    parts: dict[int, Answer] = field(default_factory=dict)
    batches: list[asyncio.Task[None]] = field(default_factory=list)
    asked: Call | None = None
    timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Rows that no batch has taken yet."""
        return len(self.rows) - self.taken

    def take(self, limit: int) -> "Part":
        """Cut the next rows off, at most `limit` of them."""
        start, self.taken = self.taken, min(len(self.rows), self.taken + limit)
        return Part(self, start, self.taken, self.call)

    def is_wanted(self) -> bool:
        """True while somebody waits for the answer and has time left; out of time, the caller is told."""
        if self.deadline.remaining_s() <= 0:
            self.expire()
        return not self.result.done()

    def give_up(self) -> int:
        """Drop the rows that no batch has taken; returns how many that were."""
        dropped, self.taken = self.waiting, len(self.rows)
        return dropped

    def restart(self, call: Call) -> None:
        """Forget every part, so that the whole request runs again, as this call."""
        self.call, self.taken = call, 0
        self.parts.clear()

    def expire(self) -> None:
        """Tell the caller that its time is up."""
        self.fail(DeadlineExceededError("the deadline passed before the answer was ready"))

    def expire_in_time(self) -> None:
        """Tell the caller at its deadline."""
        if self.timer is None:
            delay_s = max(self.deadline.remaining_s(), 0)
            self.timer = asyncio.get_running_loop().call_later(delay_s, self.expire)

    def fail(self, error: Exception) -> None:
        """Hand the error to the caller, unless it left or has its answer."""
        if not self.result.done():
            self.result.set_exception(error)


@dataclass(slots=True, eq=False)
class Part:
    """Rows `start` to `stop` of one entry, inside one batch, which runs `call`; not changed."""

    entry: Entry
    start: int
    stop: int
    call: Call

    @property
    def rows(self) -> Rows:
        """The part's own rows."""
        return self.entry.rows[self.start : self.stop]

    def __len__(self) -> int:
        return self.stop - self.start

    def is_wanted(self) -> bool:
        """False if the caller left, or its request runs again as another call; the neighbours still want theirs."""
        return not self.entry.result.done() and self.call == self.entry.call

    def deliver(self, answer: Answer, run_again: Callable[[Entry, Call], None]) -> None:
        """Keep this part's answer, and hand the whole answer over once no part is missing.

        A request that was cut while a new version took over would mix two models' answers; it is given to `run_again`
        instead, on the newer version: while some servers have it and others do not, the answers would mix again.
        """
        entry = self.entry
        if not self.is_wanted():
            return
        if len(self) == len(entry.rows):
            entry.result.set_result(answer)
            return
        entry.parts[self.start] = answer
        if sum(_count_rows(part) for part in entry.parts.values()) < len(entry.rows):
            return
        versions = {part.version for part in entry.parts.values()}
        if len(versions) == 1:
            entry.result.set_result(_join([entry.parts[start] for start in sorted(entry.parts)]))
        elif entry.asked is None and entry.call.selector.version is None:
            entry.asked = entry.call
            run_again(entry, entry.call._replace(selector=Selector(version=max(versions))))
        else:
            entry.fail(NotReadyError(f"the model is changing versions: {sorted(versions)} answered one request"))

    def fail(self, error: Exception, run_again: Callable[[Entry, Call], None]) -> None:
        """Hand the error to the caller, unless it is only that the version we chose is gone: then as it was asked."""
        entry = self.entry
        if not self.is_wanted():
            return
        if isinstance(error, NotFoundError) and entry.asked not in (None, entry.call):
            run_again(entry, entry.asked)
        else:
            entry.fail(error)


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
