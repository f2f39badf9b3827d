"""When a signal of the operator is heard."""

import asyncio
import signal

from support.raw_http import PATIENCE_S, Echo

from service.servers import Farewell, HttpServer, listen, serve_until_signal
from service.settings import HttpSettings


async def do_nothing() -> None:
    """Nothing is late."""


async def test_service_that_says_that_it_is_open_hears_signals() -> None:
    """Whoever waits for that line and then stops it gets a good end."""
    former, heard = signal.getsignal(signal.SIGUSR1), []

    def note_open() -> None:
        heard.append(signal.getsignal(signal.SIGUSR1))
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGUSR1)

    with listen("127.0.0.1", 0, settings="") as listener:
        server = HttpServer(Echo(), listener, HttpSettings(), 1)
        farewell = Farewell(lambda: None, 0, 1, do_nothing)
        async with asyncio.timeout(PATIENCE_S):
            await serve_until_signal([server], farewell, (signal.SIGUSR1,), note_open)

    assert former == signal.getsignal(signal.SIGUSR1)
    assert [False] == [handler == former for handler in heard]
