"""What ends a call's work before it is done: its deadline, or room that is missing for its message."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from service.domain import Deadline
from service.errors import DeadlineExceededError, DigitCodecError

_Out = TypeVar("_Out")


class Alarm:
    """Cancels the task that made it, which then learns why; `asyncio.timeout` takes four times as long for that.

    Attributes:
        loop: The event loop of the task.
    """

    __slots__ = ("_cancellations", "_cause", "_task", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        task = asyncio.current_task(self.loop)
        if task is None:
            raise RuntimeError("an alarm was made outside a task")
        self._task = task
        self._cancellations = task.cancelling()
        self._cause: DigitCodecError | None = None

    def ring(self, cause: DigitCodecError) -> None:
        """Cancel the task, unless that has been done; to be called from the event loop."""
        if self._cause is None:
            self._cause = cause
            self._task.cancel()

    def find_cause(self) -> DigitCodecError | None:
        """Why the task was cancelled, which has caught it and goes on; None if it was not by this alarm alone.

        It is to be asked once: an alarm that went on holding the cause would keep alive, by its traceback, all that the
        call had in hand.
        """
        cause, self._cause = self._cause, None
        is_alone = cause is not None and self._task.uncancel() <= self._cancellations
        return cause if is_alone else None

    def ring_at_deadline(self) -> None:
        """The call's time is up."""
        self.ring(deadline_passed())


async def work_until(deadline: Deadline, work: Callable[[Alarm], Awaitable[_Out]]) -> _Out:
    """Do the work, and cancel it at the deadline, wherever it is, or when it rings the alarm itself.

    Raises:
        DeadlineExceededError: If the deadline passes first.
        DigitCodecError: With what the work has rung.
    """
    alarm = Alarm()
    timer = alarm.loop.call_later(deadline.remaining_s(), alarm.ring_at_deadline)
    try:
        return await work(alarm)
    except asyncio.CancelledError as error:
        cause = alarm.find_cause()
        if cause is None:
            raise
        try:
            raise cause from error
        finally:
            del cause  # its traceback holds this frame
    finally:
        timer.cancel()


def deadline_passed() -> DeadlineExceededError:
    """What is to be said of a call whose time is up."""
    return DeadlineExceededError("the deadline passed before the answer was there")
