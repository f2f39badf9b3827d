"""Which calls are under way, whose they are, and how many there may be."""

import asyncio
import math
import time
from functools import partial
from typing import Any

import grpc

from service.errors import NotReadyError, OverloadedError
from service.shares import is_within_share

RpcContext = grpc.aio.ServicerContext[Any, Any]

# A call is over for us when its answer is with the system, and closing the connection then may still cut it off.
ARRIVAL_S = 1.0

# Probes are answered at once, but a caller who does not take the answer keeps its call open for ever.
_MAX_PROBES = 256


class TooManyCallsError(OverloadedError):
    """More calls are under way than the limit allows."""


class Places:
    """Places for calls of one kind, each taken until its call has ended; see `service.shares` for how many one gets."""

    def __init__(self, limit: int, what: str) -> None:
        """Begin with every place free.

        Args:
            limit: How many there are.
            what: The kind of the calls in words, plural.
        """
        self._limit = limit
        self._what = what
        self._taken = 0
        self._by_caller: dict[str, int] = {}

    def take(self, rpc: RpcContext, caller: str) -> None:
        """Take a place until the call has ended.

        A call that refused to take its answer has not ended: nothing on our side can end it.

        Args:
            rpc: The call.
            caller: Whose share it takes; empty for nobody in particular, which has none.

        Raises:
            TooManyCallsError: If all places are taken, or the caller's share of them.
        """
        self.claim(caller)
        rpc.add_done_callback(partial(self._give_back, caller))  # type: ignore[arg-type]  # the stub asks for a class that nobody has

    def claim(self, caller: str) -> None:
        """Take a place that whoever has it will `release`; otherwise as `take`."""
        held = self._by_caller.get(caller, 0)
        free = self._limit - self._taken
        if not free:
            raise TooManyCallsError(f"{self._taken} {self._what} are under way, the limit is {self._limit}")
        if not is_within_share(caller, held, 1, free):
            raise TooManyCallsError(f"{held} {self._what} of this caller are under way, its share of them is full")
        self._taken += 1
        self._by_caller[caller] = held + 1

    def release(self, caller: str) -> None:
        """Give a claimed place back."""
        self._taken -= 1
        self._by_caller[caller] -= 1
        if not self._by_caller[caller]:
            del self._by_caller[caller]

    def _give_back(self, caller: str, _: RpcContext) -> None:
        self.release(caller)


class CallTracker:
    """The calls that are under way, and whether the service is draining.

    Attributes:
        draining: Set once no new work is wanted; long-lived calls end when they see it.
        is_cut_off: True once the grace is over.
        probes: Places for what machines ask every second, so that a service that is merely busy is not taken for a
            dead one.
        max_message_bytes: The largest message that a call may bring.
    """

    def __init__(
        self, max_calls: int = 4096, arrival_s: float = ARRIVAL_S, max_message_bytes: int = 32 * 2**20
    ) -> None:
        """Begin with no call.

        Args:
            max_calls: Most calls that may be under way.
            arrival_s: Seconds that the last answer has to reach its caller.
            max_message_bytes: The largest message that a call may bring.
        """
        self._places = Places(max_calls, "calls")
        self._arrival_s = arrival_s
        self.draining = asyncio.Event()
        self.is_cut_off = False
        self.probes = Places(_MAX_PROBES, "probes")
        self.max_message_bytes = max_message_bytes
        self._running: dict[RpcContext, tuple[asyncio.Task[Any] | None, str]] = {}  # and whose they are
        self._idle = asyncio.Event()
        self._idle.set()
        self._left_at_s = -math.inf

    def count(self, rpc: RpcContext, caller: str) -> None:
        """Count a call, which the current task answers, as under way until it has ended.

        Args:
            rpc: The call.
            caller: Whose share of the calls it takes; empty for nobody in particular.

        Raises:
            NotReadyError: If the service drains.
            TooManyCallsError: If too many are under way, or too many of this caller. Probes are not among them.
        """
        if self.draining.is_set():
            raise NotReadyError("the service is shutting down")
        self._places.claim(caller)
        self._running[rpc] = asyncio.current_task(), caller
        self._idle.clear()
        rpc.add_done_callback(self._leave)  # type: ignore[arg-type]  # as above

    async def wait_until_quiet(self) -> None:
        """Return once no call is under way, and the last answer has had time to reach a caller on a slow line."""
        await self._idle.wait()
        await asyncio.sleep(self._left_at_s + self._arrival_s - time.monotonic())

    def cut_off(self) -> None:
        """End the calls that outlast the grace, wherever their work is."""
        self.is_cut_off = True
        for task, _ in self._running.values():
            if task is not None:
                task.cancel()

    def _leave(self, rpc: RpcContext) -> None:
        _, caller = self._running.pop(rpc)
        self._places.release(caller)
        self._left_at_s = time.monotonic()
        if not self._running:
            self._idle.set()
