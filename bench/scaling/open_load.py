"""An open load: requests leave when they are due, however long the answers before them take.

Runs in a process of its own (`bench.speed.helper`). One thread sends, one takes the answers; each answer counts from
the moment when its request was due, so that whatever holds the sender back is part of it.
"""

import gc
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from bench.plain_http import UnexpectedAnswerError
from bench.scaling.work import Table
from service.servers import raise_file_limit

_HOST = "127.0.0.1"
_GOOD = b"HTTP/1.1 200"
_LONGEST_ANSWER_BYTES = 2**16
_PATIENCE_S = 30.0
_LEAD_S = 0.05


@dataclass(frozen=True, slots=True)
class Sent:
    """Requests of an open load, in order; times by the monotonic clock.

    Attributes:
        due_s: (n,) when each should have left.
        left_s: (n,) when it was in the system's hands.
        answered_s: (n,) when its answer was here.
        handling_s: (m,) what the client itself took for an answer, as means of those that it found at once.
    """

    due_s: Table
    left_s: Table
    answered_s: Table
    handling_s: Table

    def drop(self, seconds: float) -> "Sent":
        """Without those that were due in the first seconds."""
        kept = self.due_s >= self.due_s[0] + seconds
        return Sent(self.due_s[kept], self.left_s[kept], self.answered_s[kept], self.handling_s)

    @property
    def waits_s(self) -> Table:
        """How long each answer took."""
        return self.answered_s - self.due_s


def plan_arrivals(rate: float, seconds: float, seed: int) -> Table:
    """When requests of independent callers are due, from the beginning; `rate` a second on average."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(0, seconds, rng.poisson(rate * seconds)))


def send_when_due(port: int, requests: Sequence[bytes], due_s: Table, connections: int) -> Sent:
    """Send one request at each time, from now on.

    Args:
        port: On loopback.
        requests: Sent in turn.
        due_s: (n,) seconds from the beginning, rising.
        connections: Most requests that are under way.

    Raises:
        UnexpectedAnswerError: If an answer is no good one, or missing, or no connection is free when one is needed.
    """
    raise_file_limit(connections)
    load = _Load(port, connections, len(due_s))
    gc.disable()  # a collection would look like a slow answer
    try:
        return load.run(requests, due_s)
    finally:
        gc.enable()
        load.close()


class _Load:
    """Two threads and their connections."""

    def __init__(self, port: int, connections: int, count: int) -> None:
        self._left_s, self._answered_s = [0.0] * count, [0.0] * count
        self._handling_s: list[float] = []
        self._waiting: dict[int, int] = {}
        self._failure = ""
        self._poll = select.epoll()
        self._sockets = [socket.create_connection((_HOST, port)) for _ in range(connections)]
        self._by_number = {each.fileno(): each for each in self._sockets}
        self._free = deque(self._sockets)
        self._receiver = threading.Thread(target=self._receive_all, daemon=True)
        for each in self._sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._poll.register(each, select.EPOLLIN)

    def run(self, requests: Sequence[bytes], due_s: Table) -> Sent:
        """Send all, and wait for the answers."""
        self._receiver.start()
        times_s = due_s + time.monotonic() + _LEAD_S
        for number, at_s in enumerate(times_s.tolist()):
            if (rest_s := at_s - time.monotonic()) > 0:
                time.sleep(rest_s)
            self._send(number, requests[number % len(requests)])
        self._receiver.join()
        if self._failure:
            raise UnexpectedAnswerError(self._failure)
        return Sent(times_s, np.array(self._left_s), np.array(self._answered_s), np.array(self._handling_s))

    def close(self) -> None:
        """Hang up; after a failure this is what ends the thread that waits for answers."""
        for each in self._sockets:
            with suppress(OSError):  # the service may have been first
                each.shutdown(socket.SHUT_RDWR)
        self._receiver.join()
        self._poll.close()
        for each in self._sockets:
            each.close()

    def _send(self, number: int, request: bytes) -> None:
        if not self._free or self._failure:
            raise UnexpectedAnswerError(self._failure or f"{len(self._sockets)} requests wait for their answers")
        connection = self._free.popleft()
        self._waiting[connection.fileno()] = number
        connection.sendall(request)
        self._left_s[number] = time.monotonic()

    def _receive_all(self) -> None:
        missing = len(self._left_s)
        while missing and not self._failure:
            ready = self._poll.poll(_PATIENCE_S)
            began_s = time.monotonic()
            for number, _ in ready:
                self._receive(number)
            if ready:
                self._handling_s.append((time.monotonic() - began_s) / len(ready))
            else:
                self._failure = f"{missing} answers are missing after {_PATIENCE_S:g} s"
            missing -= len(ready)

    def _receive(self, number: int) -> None:
        """Take an answer; those to single images come in one piece."""
        connection = self._by_number[number]
        answer = connection.recv(_LONGEST_ANSWER_BYTES)
        if answer.startswith(_GOOD):
            self._answered_s[self._waiting[number]] = time.monotonic()
            self._free.append(connection)
        else:
            self._failure = self._failure or answer[:1000].decode("latin-1") or "a connection was closed"
