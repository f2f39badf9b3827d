"""An HTTP server on one socket."""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from functools import partial
from ssl import SSLContext

import structlog
import uvicorn
from starlette.types import ASGIApp

from service.servers.accepting import Acceptor
from service.servers.base import FAREWELL_S
from service.servers.certificate import ServerCertificate
from service.servers.connection import Connection
from service.servers.shared import SharedState
from service.settings import HttpSettings

_log = structlog.get_logger()

# At a stop, idle connections are listened to for so long: a request that is on its way to us is still answered.
PARTING_S = 0.2
_PART_INTERVAL_S = 0.02
# How often connections are looked at; idle ones are kept up to so much longer, the other times to an eighth.
_CHECK_INTERVAL_S = 1.0


def _forget(_: str, __: int) -> None:
    """Nobody wants to know."""


class HttpServer:
    """uvicorn's protocol on a socket; implements `service.servers.Server`.

    The life of the server is our own: uvicorn's looks for its stop ten times a second, raises the signal again so that
    the exit status is not 0, and at the stop drops the connections that wait for accept.

    HTTP/1.1 leaves one gap: a server cannot tell the caller on an idle connection that it closes it without closing it,
    so a request sent in that moment is lost, and its caller must send it again (RFC 9112, 9.3.1). `announce` closes
    the gap for whoever sends a request between it and `stop`, and `PARTING_S` for what is on its way by then.
    """

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        settings: HttpSettings,
        grace_s: float,
        certificate: ServerCertificate | None = None,
        note_ended: Callable[[str, int], None] = _forget,
    ) -> None:
        """Prepare to answer.

        Args:
            app: What answers.
            listener: Where; it is closed at the stop.
            settings: Times and limits.
            grace_s: Seconds that running requests have to finish after `stop`.
            certificate: For TLS.
            note_ended: Is told how many connections were ended against their caller's will, by why.
        """
        self._note_ended = note_ended
        self._listener = listener
        self._grace_s = grace_s
        self._shared = SharedState(settings)
        self._config = _configure(app, settings)
        self._find_context: Callable[[], SSLContext | None] = certificate.find_context if certificate else _find_none
        self._stopping = asyncio.Event()

    async def serve(self) -> None:
        """Answer until `stop`, then finish what runs."""
        self._config.load()
        acceptor = Acceptor(self._listener, self._config, self._shared, self._find_context)
        async with asyncio.TaskGroup() as group:
            checking = group.create_task(self._check_for_ever())
            acceptor.start()
            await self._stopping.wait()
            await self._drain(acceptor)
            checking.cancel()

    def announce(self) -> None:
        """From now on every answer asks its caller to come on another connection."""
        self._shared.is_leaving = True
        for connection in self.find_connections():
            connection.announce()

    def stop(self) -> None:
        """Take no new connection."""
        self._stopping.set()

    @property
    def connections(self) -> int:
        """How many are open, those in their handshake too, without those that are being turned away."""
        return self._shared.count()

    def find_connections(self) -> list[Connection]:
        """Those that can speak."""
        return [connection for connection in self._shared.connections if isinstance(connection, Connection)]

    async def _drain(self, acceptor: Acceptor) -> None:
        self.announce()
        acceptor.stop()
        self._listener.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace_s + FAREWELL_S):
                await self._part()
        acceptor.cut_off()
        for connection in self.find_connections():
            connection.abort()
        for task in self._shared.tasks:
            task.cancel()
        if self._shared.tasks:
            await asyncio.wait(self._shared.tasks)
        self._report()

    async def _part(self) -> None:
        """Return once all callers are gone: the idle ones first, the others with their answers."""
        stopped_s = asyncio.get_running_loop().time()
        while self._shared.connections or self._shared.shaking_hands or self._shared.tasks:
            await asyncio.sleep(_PART_INTERVAL_S)
            quiet_since_s = asyncio.get_running_loop().time() - PARTING_S
            if quiet_since_s >= stopped_s:
                self._for_each(partial(Connection.part, quiet_since_s=quiet_since_s))

    async def _check_for_ever(self) -> None:
        """Keep the date of the answers, and the times that callers have."""
        settings = self._shared.settings
        pause_s = min(_CHECK_INTERVAL_S, settings.header_timeout_s / 8, settings.write_timeout_s / 8)
        while True:
            self._shared.default_headers = [(b"date", formatdate(time.time(), usegmt=True).encode())]
            self._for_each(partial(Connection.check, now_s=asyncio.get_running_loop().time()))
            self._report()
            await asyncio.sleep(pause_s)

    def _for_each(self, look: Callable[[Connection], None]) -> None:
        """Look at all connections; one that is at fault is cut, and neither the others nor the server end with it."""
        for connection in self.find_connections():
            try:
                look(connection)
            except Exception:  # noqa: BLE001 - whatever it is, it is that connection's alone
                _log.exception("connection_faulty")
                connection.abort()

    def _report(self) -> None:
        """One line at a time about all of them: strangers do not fill the log."""
        if self._shared.ended:
            _log.info("connections_ended", **self._shared.ended)
            for cause, count in self._shared.ended.items():
                self._note_ended(cause, count)
            self._shared.ended.clear()


def _find_none() -> None:
    """No TLS."""


def _configure(app: ASGIApp, settings: HttpSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,  # the door writes one line a request itself
        forwarded_allow_ips=list(settings.trusted_proxies),
        http="httptools",
        lifespan="off",  # the composition root starts and stops the rooms
        log_config=None,
        proxy_headers=bool(settings.trusted_proxies),
        server_header=False,
        ws="none",
    )
