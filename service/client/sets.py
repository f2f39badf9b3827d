"""How a large set is gone after, without any I/O: bounded in what is under way, answered in order.

Conversations as those of single calls, with more steps; see `conversation`.
"""

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from service.client.answers import Answer
from service.client.asks import Ask
from service.client.conversation import (
    Conversation,
    Manner,
    Step,
    Wait,
    find_left_s,
    find_next_wait_s,
    name_rows,
    send_rows,
)
from service.client.errors import ClientError, TooLargeError


@dataclass(frozen=True, slots=True)
class Fetch:
    """Take the next ask of the set; the result is None at its end."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Run a conversation beside this one; the result is a handle of it.

    Attributes:
        conversation: What to run.
    """

    conversation: Conversation[Answer]


@dataclass(frozen=True, slots=True)
class End:
    """Wait for a conversation that was begun; the result is its own, or its ClientError is thrown in.

    Attributes:
        handle: What `Begin` gave.
    """

    handle: Any


@dataclass(frozen=True, slots=True)
class Hand:
    """Hand an answer to the caller, and go on when it wants the next.

    Attributes:
        answer: The answer.
    """

    answer: Answer


@dataclass(frozen=True, slots=True)
class Open:
    """Open a stream, and end the one that there was; the result is the stream."""


@dataclass(frozen=True, slots=True)
class Put:
    """Send a request on the stream, without waiting.

    Attributes:
        stream: What `Open` gave.
        ask: What is wanted.
    """

    stream: Any
    ask: Ask


@dataclass(frozen=True, slots=True)
class Take:
    """Wait for the next answer of the stream.

    The result is the answer, or the ClientError with which the service refused this request; what is thrown in ended
    the stream.

    Attributes:
        stream: What `Open` gave.
        ask: What it must be the answer to.
        timeout_s: How long to wait.
    """

    stream: Any
    ask: Ask
    timeout_s: float


SetStep = Step | Fetch | Begin | End | Hand | Open | Put | Take
SetConversation = Generator[SetStep, Any, None]


def send_side_by_side(begin: Callable[[Ask], Conversation[Answer]], in_flight: int) -> SetConversation:
    """Answer a set by requests of their own, `in_flight` of them at the same time.

    Raises:
        ClientError: What the first that fails ended with, after the answers to all before it.
    """
    waiting: deque[Any] = deque()
    while (ask := (yield Fetch())) is not None:
        waiting.append((yield Begin(begin(ask))))
        if len(waiting) >= in_flight:
            yield Hand((yield End(waiting.popleft())))
    while waiting:
        yield Hand((yield End(waiting.popleft())))


@dataclass(slots=True)
class _Line:
    """A stream, and what was sent on it.

    Attributes:
        stream: The one that is open.
        waiting: What has no answer yet, the oldest first.
    """

    stream: Any
    waiting: deque[Ask] = field(default_factory=deque)


def send_on_stream(manner: Manner, in_flight: int) -> SetConversation:
    """Answer a set over a stream, which is opened again where it breaks; what had no answer is then sent again.

    Raises:
        ClientError: What the first that fails ended with, after the answers to all before it.
    """
    line = _Line((yield Open()))
    while (yield from _fill(line, in_flight)):
        outcome = yield from _take(line, manner)
        ask = line.waiting.popleft()
        if isinstance(outcome, ClientError):
            outcome = yield from _send_apart(outcome, ask, manner)
        yield Hand(outcome)


def _fill(line: _Line, in_flight: int) -> Generator[SetStep, Any, bool]:
    """Send as many as may be under way; False once nothing is."""
    while len(line.waiting) < in_flight and (ask := (yield Fetch())) is not None:
        line.waiting.append(ask)
        yield Put(line.stream, ask)
    return bool(line.waiting)


def _take(line: _Line, manner: Manner) -> Generator[SetStep, Any, Any]:
    """The answer to the oldest request, on this stream or another."""
    attempt, end_s = 1, manner.now() + manner.timeout_s
    while True:
        try:
            outcome = yield Take(line.stream, line.waiting[0], find_left_s(end_s, manner))
        except ClientError as error:
            wait_s = find_next_wait_s(error, attempt, end_s, manner)
            if wait_s is None:
                name_rows(error, line.waiting[0])
                raise
        else:
            manner.budget.earn()
            return outcome
        yield Wait(wait_s)
        attempt += 1
        yield from _renew(line)


def _renew(line: _Line) -> Generator[SetStep, Any, None]:
    line.stream = yield Open()
    for ask in line.waiting:
        yield Put(line.stream, ask)


def _send_apart(error: ClientError, ask: Ask, manner: Manner) -> Generator[SetStep, Any, Answer]:
    """What a stream refused, by requests of its own if they may fare better."""
    if error.may_retry or isinstance(error, TooLargeError):
        answer: Answer = yield from send_rows(ask, manner)
        return answer
    name_rows(error, ask)
    raise error
