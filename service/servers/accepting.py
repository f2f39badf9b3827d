"""Takes connections from a listening socket, through the TLS handshake, up to the limit of connections."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable

import structlog
import uvicorn

from service.servers.addresses import BACKLOG
from service.servers.connection import Connection
from service.servers.shared import SharedState

_log = structlog.get_logger()

# Connections taken in one turn of the event loop, so that a flood of them does not keep requests waiting.
_BURST = 64
# Connections that are told that they are one too many at the same time; beyond that they are closed without a word.
_TURNED_AWAY = 64

_OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_S = 1.0


class Acceptor:
    """Accepts by itself rather than through the event loop's server.

    That one neither counts connections in their handshake, nor lets certificates be renewed, nor takes the waiting ones
    along when it stops.
    """

    def __init__(
        self,
        listener: socket.socket,
        config: uvicorn.Config,
        shared: SharedState,
        find_context: Callable[[], ssl.SSLContext | None],
    ) -> None:
        """Prepare to accept.

        Args:
            listener: Listens; the caller closes it.
            config: What connections need, loaded.
            shared: Counts them.
            find_context: Called for each connection; None is plain HTTP.
        """
        self._listener = listener
        self._config = config
        self._shared = shared
        self._find_context = find_context
        self._loop = asyncio.get_running_loop()
        self._greetings: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._is_stopped = False

    def start(self) -> None:
        """Accept from now on."""
        self._listener.setblocking(False)  # noqa: FBT003 - the name of the method says which
        self._resume()

    def stop(self) -> None:
        """Take what waits already, and nothing more."""
        self._is_stopped = True
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener)
        for _ in range(BACKLOG):  # more did not wait when we were told; a flood must not keep us
            if not self._accept_one():
                return

    def cut_off(self) -> None:
        """End handshakes that are still under way."""
        for greeting in self._greetings:
            greeting.cancel()

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._accept_some)

    def _accept_some(self) -> None:
        for _ in range(_BURST):
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Accept a connection; false if none can be had now."""
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            # A caller that left while it waited is no trouble of ours.
            if error.errno in _OUT_OF_FILES:
                self._rest(error)
                return False
            return True
        self._admit(client)
        return True

    def _rest(self, error: OSError) -> None:
        """Leave the callers in the queue until there are files again; looking all the time would not help."""
        _log.error("cannot_accept", error=str(error), pause_s=0 if self._is_stopped else _PAUSE_S)
        if self._is_stopped:
            return
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(_PAUSE_S, self._resume)

    def _admit(self, client: socket.socket) -> None:
        excess = self._shared.count() - self._shared.settings.max_connections
        if excess >= 0 and len(self._shared.turned_away) >= _TURNED_AWAY:
            self._shared.ended["closed_at_accept"] += 1
            client.close()
            return
        client.setblocking(False)  # noqa: FBT003 - as above
        connection = Connection(self._config, self._shared, is_one_too_many=excess >= 0)
        greeting = self._loop.create_task(self._greet(client, connection))
        self._greetings.add(greeting)
        greeting.add_done_callback(self._greetings.discard)

    async def _greet(self, client: socket.socket, connection: Connection) -> None:
        context, settings = None, self._shared.settings
        try:
            context = self._find_context()
            await self._loop.connect_accepted_socket(
                lambda: connection,
                client,
                ssl=context,
                ssl_handshake_timeout=settings.header_timeout_s if context else None,
                # Later than the connection itself cuts a caller who does not read, and reports it.
                ssl_shutdown_timeout=2 * settings.write_timeout_s if context else None,
            )
        except OSError:  # a caller who left; with TLS also plain HTTP, a refused certificate, silence
            self._shared.ended["tls_handshake_failed" if context else "left_at_accept"] += 1
        finally:
            self._shared.shaking_hands.discard(connection)
            if connection.transport is None:
                connection.forget()
                client.close()
