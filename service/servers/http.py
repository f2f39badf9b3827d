"""An HTTP server on one socket."""

import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from service.servers.base import FAREWELL_S, cannot_listen, find_family

# Connections that may wait for accept: a burst of new clients is not turned away.
_BACKLOG = 2048


def listen(host: str, port: int, *, settings: str) -> socket.socket:
    """A socket that takes connections from now on.

    Args:
        host: Name or address.
        port: 0 lets the system choose.
        settings: What chooses another address, for the error message.

    Raises:
        CannotListenError: If the address is taken or not ours.
    """
    try:
        return socket.create_server((host, port), family=find_family(host, port), backlog=_BACKLOG)
    except OSError as error:
        raise cannot_listen(host, port, error, settings) from error


def find_url(listener: socket.socket) -> str:
    """Where a client reaches the socket, without a slash at the end."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class HttpServer:
    """uvicorn on a socket; implements `service.servers.Server`."""

    def __init__(self, app: ASGIApp, listener: socket.socket, grace_s: float) -> None:
        """Prepare to answer.

        Args:
            app: What answers.
            listener: Where; the caller closes it.
            grace_s: Seconds that running requests have to finish after `stop`.
        """
        self._listener = listener
        self._server = _Server(_configure(app, grace_s))

    async def serve(self) -> None:
        """Answer until `stop`, then finish what runs."""
        await self._server.serve([self._listener])

    def stop(self) -> None:
        """Take no new connection."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: those raise the signal again, so that the exit status is not 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `wait_for_signal`."""
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
        timeout_graceful_shutdown=math.ceil(grace_s) + FAREWELL_S,
        ws="none",
    )
