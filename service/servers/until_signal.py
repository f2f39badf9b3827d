"""Runs servers side by side until the operator's signal, and stops them in good order."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from service.servers.base import Server


async def serve_until_signal(servers: Sequence[Server], grace_s: float, give_up: Callable[[], Awaitable[None]]) -> None:
    """Answer until SIGTERM or SIGINT, or until one of the servers ends; return once running requests are answered.

    Args:
        servers: All that answer.
        grace_s: Seconds that running requests have to finish.
        give_up: Called when the grace is over; must make the requests that still run end soon.
    """
    serving = [asyncio.create_task(server.serve()) for server in servers]
    stopping = asyncio.create_task(wait_for_signal())
    await asyncio.wait({*serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for server in servers:
        server.stop()
    _, late = await asyncio.wait(serving, timeout=grace_s)
    if late:
        await give_up()
    await asyncio.gather(*serving)


async def run_until_signal(work: Coroutine[Any, Any, None]) -> bool:
    """Run the work to its end, unless SIGTERM or SIGINT comes first; true if it came to its end."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(wait_for_signal())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        await working
        return True
    working.cancel()
    return False


async def wait_for_signal() -> None:
    """Return at the first SIGTERM or SIGINT; a second one finds the system's own handlers and ends the process."""
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, came.set)
    try:
        await came.wait()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
