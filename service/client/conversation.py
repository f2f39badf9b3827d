"""How an ask is gone after, without any I/O: a generator says what to do next, and is told what came of it.

Both clients run the same conversations; they differ only in how they send and how they wait.
"""

import random
import secrets
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

from service.client.answers import Answer, join_answers
from service.client.asks import Ask, Result
from service.client.errors import ClientError, TooLargeError
from service.client.images import refuse_nothing
from service.client.retries import Draw, Retries, RetryBudget, find_wait_s
from service.domain import Selector


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; the result is its answer, or the ClientError that it ended with is thrown in.

    Attributes:
        ask: What is wanted.
        timeout_s: Seconds left for it.
        request_id: What it is called in the service's log.
    """

    ask: Ask
    timeout_s: float
    request_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait.

    Attributes:
        seconds: How long.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Call something that may read files; the result is what it returns.

    Attributes:
        call: What to call.
    """

    call: Callable[[], Any]


Step = Send | Wait | Work

# The service takes times above 0, in thousandths of a second.
_SHORTEST_S = 0.001

T = TypeVar("T")
Conversation = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a client goes after its asks.

    Attributes:
        timeout_s: Seconds for each request with all its attempts.
        retries: How failed ones are tried again.
        budget: What all calls of the client share.
        now: Seconds on a monotonic clock.
        draw: A number between two.
    """

    timeout_s: float
    retries: Retries
    budget: RetryBudget
    now: Callable[[], float] = field(default=time.monotonic)
    draw: Draw = field(default=random.uniform)


class Talk(Generic[T]):
    """A conversation under way, for whoever does what it says.

    Attributes:
        step: What is to be done now; None at the end.
        answer: What it came to; set at the end.
    """

    answer: T

    def __init__(self, conversation: Generator[Any, Any, T]) -> None:
        self._conversation = conversation
        self.step: Any = None
        self._move(partial(next, conversation))

    def tell(self, result: Any) -> None:
        """Say what came of the step.

        Raises:
            ClientError: What the conversation ends with.
        """
        self._move(partial(self._conversation.send, result))

    def fail(self, error: ClientError) -> None:
        """Say that the step failed.

        Raises:
            ClientError: What the conversation ends with.
        """
        self._move(partial(self._conversation.throw, error))

    def _move(self, move: Callable[[], Any]) -> None:
        try:
            self.step = move()
        except StopIteration as end:
            self.step, self.answer = None, end.value


def send_patiently(ask: Ask, manner: Manner) -> Conversation[Result]:
    """Send one request, and again while that may help, the budget allows it and time is left.

    Raises:
        ClientError: What the last attempt ended with.
    """
    end_s = manner.now() + manner.timeout_s
    name = secrets.token_hex(8)
    attempt = 1
    while True:
        try:
            result: Result = yield Send(ask, find_left_s(end_s, manner), f"{name}.{attempt}")
        except ClientError as error:
            wait_s = find_next_wait_s(error, attempt, end_s, manner)
            if wait_s is None:
                raise
        else:
            manner.budget.earn()
            return result
        yield Wait(wait_s)
        attempt += 1


def find_left_s(end_s: float, manner: Manner) -> float:
    """Seconds until then; never none, for a wait may have ended a little late."""
    return max(_SHORTEST_S, end_s - manner.now())


def find_next_wait_s(error: ClientError, attempt: int, end_s: float, manner: Manner) -> float | None:
    """Seconds until the next attempt; None if there is none."""
    # The budget is told of every such failure, also of those after which no attempt is left.
    if not error.may_retry or not manner.budget.spend() or attempt >= manner.retries.max_attempts:
        return None
    wait_s = find_wait_s(error, attempt, manner.retries, manner.draw)
    return wait_s if manner.now() + wait_s < end_s else None


def send_rows(ask: Ask, manner: Manner) -> Conversation[Any]:
    """Send a request with rows; one that is too large goes in halves, which one version answers.

    Raises:
        ClientError: What it ended with; `rows` says which rows of the call were in it.
    """
    try:
        return (yield from send_patiently(ask, manner))
    except TooLargeError as error:
        if len(ask) < 2:
            name_rows(error, ask)
            raise
    except ClientError as error:
        name_rows(error, ask)
        raise
    half = len(ask) // 2
    return (yield from send_all(iter([ask.take(0, half), ask.take(half, len(ask))]), manner))


def send_all(asks: Iterator[Ask], manner: Manner, *, reads_files: bool = False) -> Conversation[Any]:
    """Send the requests of one call one after the other, and join their answers.

    Args:
        asks: The requests.
        manner: How the client goes after them.
        reads_files: True if to go through them takes the time of a disk.

    Raises:
        ClientError: What the first that fails ended with.
    """
    answers: list[Answer] = []
    while (ask := (yield from _take_next(asks, reads_files=reads_files))) is not None:
        answers.append((yield from send_rows(_pin(ask, answers), manner)))
    if not answers:
        raise refuse_nothing()
    return join_answers(answers)


def _take_next(asks: Iterator[Ask], *, reads_files: bool) -> Conversation[Ask | None]:
    """The next ask, in whatever way suits the client if files are read for it; None at the end."""
    if reads_files:
        following: Ask | None = yield Work(partial(next, asks, None))
        return following
    return next(asks, None)


def _pin(ask: Ask, answers: list[Any]) -> Ask:
    """Whoever answered first answers the whole call, also if a newer version appears meanwhile."""
    return replace(ask, selector=Selector(version=answers[0].model.version)) if answers else ask


def name_rows(error: ClientError, ask: Ask) -> None:
    """Note which rows of the call were in the request that failed."""
    if error.rows is None:
        error.rows = (ask.first_row, ask.first_row + len(ask))
