"""Ends the work for a caller who has left or whose time is up, at next to no cost for quick answers."""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive

from service.domain import Deadline
from service.errors import DeadlineExceededError
from service.survivors import Survivors

# Asking the server whether the caller is still there takes a task, which costs more than the rest of the door.
# So only answers that are slow already are watched, after one to two times this; most never get as far.
SLOW_S = 0.05

# After the body a server has nothing to say but that the caller left. One that repeats the end of the body at once
# and for ever would otherwise hold the event loop for itself.
_MAX_REPEATS = 8


class ClientGoneError(Exception):
    """The caller closed the connection; nobody is left to answer."""


class CallerWatch:
    """Cancels the code in its `with` block when it has become useless, and says why.

    Leaving the block raises DeadlineExceededError or ClientGoneError in place of the cancellation. A cancellation
    that comes from elsewhere passes through.
    """

    __slots__ = (
        "_cause",
        "_deadline",
        "_is_slow",
        "_listener",
        "_may_listen",
        "_receive",
        "_task",
        "_timer",
        "_watched",
    )

    def __init__(self, receive: Receive, deadline: Deadline, watched: Survivors["CallerWatch"]) -> None:
        """Prepare to watch.

        Args:
            receive: Where the server tells that the caller left.
            deadline: When the caller's time is up.
            watched: Tells which answers are slow; see `watch_callers`.
        """
        self._receive = receive
        self._deadline = deadline
        self._watched = watched
        self._cause: Exception | None = None
        self._is_slow = False
        self._may_listen = False
        self._listener: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        """Begin to watch the current task."""
        task = asyncio.current_task(self._watched.loop)
        if task is None:  # pragma: no cover - asyncio runs coroutines in tasks
            raise RuntimeError("there is no current task to watch")
        self._task = task
        self._watched.add(self)
        remaining_s = self._deadline.remaining_s()
        if self._watched.may_miss(remaining_s):
            self._expire_in(remaining_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop watching."""
        self._watched.remove(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()
        # Only a cancellation that is ours alone is turned into its cause; uncancel counts the others.
        cause, self._cause = self._cause, None
        if cause is not None and isinstance(error, asyncio.CancelledError) and not self._task.uncancel():
            try:
                raise cause from None
            finally:
                del cause  # its traceback holds this frame, and with it all that the request had in hand

    def listen(self) -> None:
        """Allow the watch to read from the connection: the whole body is here."""
        self._may_listen = True
        if self._is_slow:
            self._start_listening()

    def note_slow(self) -> None:
        """The answer takes its time: look after its caller and its deadline."""
        self._is_slow = True
        if self._timer is None:
            self._expire_in(self._deadline.remaining_s())
        if self._may_listen:
            self._start_listening()

    def _expire_in(self, remaining_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(max(remaining_s, 0), self._expire)

    def _start_listening(self) -> None:
        self._listener = asyncio.get_running_loop().create_task(self._wait_until_gone())

    async def _wait_until_gone(self) -> None:
        for _ in range(_MAX_REPEATS):
            if (await self._receive())["type"] == "http.disconnect":
                self._stop(ClientGoneError())
                return

    def _expire(self) -> None:
        self._stop(DeadlineExceededError("the deadline passed before the answer was there"))

    def _stop(self, cause: Exception) -> None:
        if self._cause is None:
            self._cause = cause
            self._task.cancel()


def watch_callers() -> Survivors[CallerWatch]:
    """What the watches of one event loop share."""
    return Survivors(SLOW_S, CallerWatch.note_slow)
