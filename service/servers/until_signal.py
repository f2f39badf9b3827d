"""Runs servers side by side until the operator's signal, and stops them in good order."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from service.servers.base import Server

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What an operator or a terminal sends to end a service."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """How servers are stopped.

    Attributes:
        announce: Called at the signal: tells those who ask that no more requests are welcome.
        delay_s: Seconds for which requests are still taken after that.
        grace_s: Seconds that running requests have to finish then.
        give_up: Called when the grace is over; must make the requests that still run end soon.
    """

    announce: Callable[[], None]
    delay_s: float
    grace_s: float
    give_up: Callable[[], Awaitable[None]]


def _say_nothing() -> None:
    """Nobody wants to know."""


async def serve_until_signal(
    servers: Sequence[Server],
    farewell: Farewell,
    signals: Sequence[signal.Signals] = STOP_SIGNALS,
    note_open: Callable[[], None] = _say_nothing,
) -> None:
    """Answer until a signal, or until one of the servers ends; return once running requests are answered.

    Args:
        servers: What answers.
        farewell: How they are stopped.
        signals: What stops them. During the delay another one ends the delay, and after it the process.
        note_open: Called when a signal would be heard: whoever then sends one gets a good end.
    """
    with catch_signals(signals) as came:
        note_open()
        serving = [asyncio.create_task(server.serve()) for server in servers]
        await _wait(serving, came, None)
    farewell.announce()
    for server in servers:
        server.announce()
    if not any(task.done() for task in serving):
        with catch_signals(signals) as came:
            await _wait(serving, came, farewell.delay_s)
    for server in servers:
        server.stop()
    _, late = await asyncio.wait(serving, timeout=farewell.grace_s)
    if late:
        await farewell.give_up()
        await asyncio.wait(serving)
    await asyncio.gather(*serving)


async def _wait(serving: Sequence[asyncio.Task[None]], came: asyncio.Event, timeout_s: float | None) -> None:
    """Wait for a signal, for the end of a server, or for so long."""
    stopping = asyncio.create_task(came.wait())
    await asyncio.wait({*serving, stopping}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


async def run_until_signal(work: Coroutine[Any, Any, None], signals: Sequence[signal.Signals] = STOP_SIGNALS) -> bool:
    """Run the work to its end, unless a signal comes first; true if it came to its end."""
    with catch_signals(signals) as came:
        working, stopping = asyncio.create_task(work), asyncio.create_task(came.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if came.is_set():  # looked at first: a signal that comes together with the end of the work is not lost
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            return False
        await working
        return True


@contextmanager
def catch_signals(signals: Sequence[signal.Signals]) -> Iterator[asyncio.Event]:
    """What is set by one of these signals, from now on and as long as the block lasts."""
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    for number in signals:
        loop.add_signal_handler(number, came.set)
    try:
        yield came
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
