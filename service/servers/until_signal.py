"""Runs servers side by side until the operator's signal, and stops them in good order."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
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


async def serve_until_signal(
    servers: Sequence[Server], farewell: Farewell, signals: Sequence[signal.Signals] = STOP_SIGNALS
) -> None:
    """Answer until a signal, or until one of the servers ends; return once running requests are answered."""
    serving = [asyncio.create_task(server.serve()) for server in servers]
    await _wait(serving, None, signals)
    farewell.announce()
    for server in servers:
        server.announce()
    if not any(task.done() for task in serving):
        await _wait(serving, farewell.delay_s, signals)
    for server in servers:
        server.stop()
    _, late = await asyncio.wait(serving, timeout=farewell.grace_s)
    if late:
        await farewell.give_up()
        await asyncio.wait(serving)
    await asyncio.gather(*serving)


async def _wait(
    serving: Sequence[asyncio.Task[None]], timeout_s: float | None, signals: Sequence[signal.Signals]
) -> None:
    """Wait for a signal, for the end of a server, or for so long."""
    stopping = asyncio.create_task(wait_for_signal(signals))
    await asyncio.wait({*serving, stopping}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


async def run_until_signal(work: Coroutine[Any, Any, None], signals: Sequence[signal.Signals] = STOP_SIGNALS) -> bool:
    """Run the work to its end, unless a signal comes first; true if it came to its end."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(wait_for_signal(signals))
    done, _ = await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stopping in done:  # looked at first: a signal that comes together with the end of the work is not lost
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return False
    stopping.cancel()
    await working
    return True


async def wait_for_signal(signals: Sequence[signal.Signals]) -> None:
    """Return at the first of these signals; a second one finds the system's own handlers and ends the process."""
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    for number in signals:
        loop.add_signal_handler(number, came.set)
    try:
        await came.wait()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
