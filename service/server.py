"""An HTTP server on one socket until a signal comes; knows nothing of what it serves."""

import asyncio
import math
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from service.settings import HttpSettings

# Time for the answers that tell of the end of the grace.
_FAREWELL_S = 2
# Connections that may wait for accept: a burst of new clients is not turned away.
_BACKLOG = 2048


class CannotListenError(Exception):
    """The HTTP address cannot be had."""


def listen(http: HttpSettings) -> socket.socket:
    """A socket that takes connections from now on.

    Raises:
        CannotListenError: If the address is taken or not ours.
    """
    try:
        family = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((http.host, http.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CannotListenError(
            f"cannot listen on {http.host}:{http.port}: {error.strerror or error}; "
            "choose others with DIGITCODEC_HTTP__HOST and DIGITCODEC_HTTP__PORT"
        ) from error


def find_url(listener: socket.socket) -> str:
    """Where a client reaches the socket, without a slash at the end."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve_until_signal(
    app: ASGIApp, listener: socket.socket, grace_s: float, give_up: Callable[[], Awaitable[None]]
) -> None:
    """Answer until SIGTERM or SIGINT; then take no new connection, and return once running requests are answered.

    Args:
        app: What answers.
        listener: Where; the caller closes it.
        grace_s: Seconds that running requests have to finish.
        give_up: Called when the grace is over; must make the requests that still run end soon.
    """
    server = _Server(_configure(app, grace_s))
    serving = asyncio.create_task(server.serve([listener]))
    stopping = asyncio.create_task(_wait_for_signal())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    done, _ = await asyncio.wait({serving}, timeout=grace_s)
    if not done:
        await give_up()
    await serving


async def _wait_for_signal() -> None:
    """Return at the first SIGTERM or SIGINT; a second one finds the system's own handlers and ends the process."""
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, came.set)
    await came.wait()
    for number in signals:
        loop.remove_signal_handler(number)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: those raise the signal again, so that the exit status is not 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `_wait_for_signal`."""
        yield


def _configure(app: ASGIApp, grace_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,  # the door writes one line a request itself
        backlog=_BACKLOG,
        http="httptools",
        lifespan="off",  # the composition root starts and stops the rooms
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(grace_s) + _FAREWELL_S,
        ws="none",
    )
