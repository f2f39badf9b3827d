"""The load generator: keep-alive connections, each with one request under way, at the least cost per request.

Runs in a process of its own (`bench.speed.helper`); it looks into no answer but for its status and its length.
"""

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
import uvloop
from numpy.typing import NDArray

from bench.plain_http import UnexpectedAnswerError

_HOST = "127.0.0.1"
_HEAD_END = b"\r\n\r\n"
_GOOD = b"HTTP/1.1 200"
_LENGTH = b"content-length:"
# Requests that are under way when the time is over have so long to be answered.
_LAST_ANSWERS_S = 30.0
# Below the time after which a helper is given up.
_LONGEST_S = 120.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What callers saw.

    Attributes:
        times_s: How long each answer took that came after the warm-up.
        seconds: From the end of the warm-up to the last answer: callers stop asking in time, and none is left waiting.
        count: All answers, those of the warm-up too.
    """

    times_s: NDArray[np.float64]
    seconds: float
    count: int


def ask(port: int, requests: Sequence[bytes], callers: int, seconds: float, warm_s: float = 0.0) -> Asked:
    """Let all callers ask for so long, without a pause.

    Args:
        port: On loopback.
        requests: Sent in turn.
        callers: Connections.
        seconds: In which callers ask again and again, after the warm-up.
        warm_s: Time before that, whose answers are not counted.

    Raises:
        UnexpectedAnswerError: If a request gets no good answer, or none in time.
    """
    return _run(_Errand(requests, callers, seconds, warm_s), port)


def ask_often(port: int, requests: Sequence[bytes], callers: int, count: int) -> None:
    """Let all callers ask until so many requests are sent; errors as `ask`."""
    _run(_Errand(requests, callers, _LONGEST_S, 0.0, count), port)


def _run(errand: "_Errand", port: int) -> Asked:
    gc.disable()  # a collection would look like a slow answer
    try:
        uvloop.run(_send_callers(errand, port))
    finally:
        gc.enable()
    return errand.report()


async def _send_callers(errand: "_Errand", port: int) -> None:
    loop = asyncio.get_running_loop()
    errand.done = loop.create_future()
    callers = [_Caller(errand, number) for number in range(errand.callers)]
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, _HOST, port)  # type: ignore[misc]
    errand.begin()
    try:
        for caller in callers:
            caller.ask()
        await asyncio.wait_for(errand.done, errand.warm_s + errand.seconds + _LAST_ANSWERS_S)
    except TimeoutError:
        raise UnexpectedAnswerError(f"answers are missing {_LAST_ANSWERS_S:g} s after the last request") from None
    finally:
        for caller in callers:
            caller.close()


class _Errand:
    """What all callers of one load share: the requests, the clock and the notes."""

    def __init__(
        self, requests: Sequence[bytes], callers: int, seconds: float, warm_s: float, count: int | None = None
    ) -> None:
        self.requests, self.callers, self.seconds, self.warm_s = requests, callers, seconds, warm_s
        self.done: asyncio.Future[None]
        self._left = count if count is not None else -1
        self._answered = 0
        self._busy = callers
        self._times_s: list[float] = []
        self._now_s = 0.0

    def begin(self) -> None:
        """Start the clock."""
        self._first_s = time.perf_counter() + self.warm_s
        self._last_s = self._first_s + self.seconds

    def note(self, began_s: float, now_s: float) -> bool:
        """A caller has its answer; True if it is to ask again."""
        self._answered += 1
        self._now_s = now_s
        if now_s >= self._first_s:
            self._times_s.append(now_s - began_s)
        if now_s < self._last_s and self._has_more():
            return True
        self._busy -= 1
        if not self._busy and not self.done.done():
            self.done.set_result(None)
        return False

    def _has_more(self) -> bool:
        """False once as many are answered or under way as were wanted."""
        return self._left < 0 or self._answered + self._busy <= self._left

    def fail(self, text: str) -> None:
        """End it all."""
        if not self.done.done():
            self.done.set_exception(UnexpectedAnswerError(text))

    def report(self) -> Asked:
        """What was noted."""
        return Asked(np.array(self._times_s), self._now_s - self._first_s, self._answered)


class _Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, errand: _Errand, number: int) -> None:
        self._errand = errand
        first = number % len(errand.requests)
        self._requests: Iterator[bytes] = islice(cycle(errand.requests), first, None)
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._missing = 0
        self._began_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # that of a stream

    def ask(self) -> None:
        """Send the next request."""
        request = next(self._requests)
        self._began_s = time.perf_counter()
        self._transport.write(request)  # type: ignore[union-attr]  # connected before

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            data = self._head + data
            end = data.find(_HEAD_END)
            if end < 0:
                self._head = data
                return
            self._head = b""
            if not data.startswith(_GOOD):
                self._errand.fail(data[:1000].decode("latin-1"))
                return
            self._missing = read_length(data[:end]) + end + len(_HEAD_END) - len(data)
        if not self._missing and self._errand.note(self._began_s, time.perf_counter()):
            self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._errand.fail(f"a connection was closed: {exc or 'by the server'}")

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def read_length(head: bytes) -> int:
    """The length of an answer's body.

    Raises:
        UnexpectedAnswerError: If the head does not tell.
    """
    value = head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0]
    if not value:
        raise UnexpectedAnswerError(f"an answer without a length came: {head.decode('latin-1')}")
    return int(value)
