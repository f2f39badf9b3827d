"""A gRPC server on its ports and sockets."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import grpc

from service.servers.base import FAREWELL_S, CannotListenError
from service.servers.certificate import ServerCertificate
from service.servers.reserve import check_free
from service.settings import GrpcSettings

# Time for another server to take a connection; on one machine that is at once.
_ANSWER_S = 1.0
# Health, reflection and probes have 800 places of their own; calls that are about to be refused need some too.
_SPARE_CALLS = 1024
# Of one connection; gRPC refuses more, as UNAVAILABLE.
_MAX_STREAMS = 1024
_HANDSHAKE_TIMEOUT_MS = 10_000

# gRPC hands over about one call in one and a half turns of the event loop: some 700 a second, and 50 where large
# requests keep the loop busy. What comes faster waits inside gRPC, where no limit and no deadline of ours reaches it.
# gRPC ends, as CANCELLED, what has waited longer than this (its own figure is 30 s), and what finds so many before it.
# A burst that the loop takes in 2 s must pass: with 64 a burst of 128 calls lost 31. Strangers' messages wait there
# too, 64 KiB of each. Between the two numbers chance decides.
_MAX_WAIT_S = 2
_MAX_WAITING_CALLS = 1024
_MAX_WAITING_CALLS_HARD = 2048

# At the end the refusals of the last calls still go out; only those who watch or take no answer need so long.
_LAST_WORDS_S = 0.5


def build_rpc_server(settings: GrpcSettings, *, shares_port: bool = False) -> grpc.aio.Server:
    """A server without services and ports yet; to be made on the event loop that will run it.

    Args:
        settings: Limits of calls and messages.
        shares_port: It is one of several that listen on one port, see `service.servers.reserve`.
    """
    return grpc.aio.server(
        maximum_concurrent_rpcs=settings.max_concurrent_calls + _SPARE_CALLS,
        options=[
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            ("grpc.max_send_message_length", settings.max_message_bytes),
            # Two services on one port would each get every other caller; the second is told instead.
            ("grpc.so_reuseport", int(shares_port)),
            # Clients behind load balancers ping idle connections; every ten seconds is not too often.
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
            # A caller who vanished without a word gives its places back within a minute.
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            # As header_timeout_s of HTTP: so long may TLS and HTTP/2 take to begin. gRPC's own figure is 120 s.
            ("grpc.server_handshake_timeout_ms", _HANDSHAKE_TIMEOUT_MS),
            ("grpc.max_concurrent_streams", _MAX_STREAMS),
            ("grpc.server_max_unrequested_time_in_server", _MAX_WAIT_S),
            ("grpc.server.max_pending_requests", _MAX_WAITING_CALLS),
            ("grpc.server.max_pending_requests_hard_limit", _MAX_WAITING_CALLS_HARD),
        ],
    )


class ServerEndedError(Exception):
    """A server has ended that nobody had told to: better no process than one whose doors are half shut."""


class RpcLife(Protocol):
    """What the services of a server do at the turns of its life."""

    def start(self) -> None:
        """The server has begun to answer."""

    def drain(self) -> None:
        """Refuse new calls from now on, and end those that have no end of their own."""

    async def wait_until_quiet(self) -> None:
        """Return once no call is under way that deserves the grace, and the last answer has had time to arrive.

        A health watch or an idle reflection stream does not deserve it: it would hold up every stop.
        """

    def cut_off(self) -> None:
        """End the calls that outlast the grace, and tell their callers."""


class RpcServer:
    """A gRPC server that drains; implements `service.servers.Server`."""

    def __init__(self, server: grpc.aio.Server, life: RpcLife, grace_s: float) -> None:
        """Wrap a server that has its services.

        Args:
            server: From `build_rpc_server`.
            life: What its services do when it starts and stops.
            grace_s: Seconds that running calls have to finish after `stop`.
        """
        self._server = server
        self._life = life
        self._grace_s = grace_s
        self._stopping = asyncio.Event()

    def bind(
        self,
        host: str,
        port: int,
        *,
        settings: str,
        certificate: ServerCertificate | None = None,
        is_reserved: bool = False,
    ) -> str:
        """Take a port; returns host:port as clients reach it.

        Args:
            host: Name or address.
            port: 0 lets the system choose.
            settings: What chooses another address, for the error message.
            certificate: For TLS.
            is_reserved: The port is held for this server and others by `service.servers.reserve`.

        Raises:
            CannotListenError: If the address is taken or not ours.
        """
        if not is_reserved:
            # gRPC says no more than that it failed; a socket of our own, closed again, says why.
            check_free(host, port, settings=settings)
        name = f"[{host}]" if ":" in host else host
        try:
            return f"{name}:{self._add_port(f'{name}:{port}', certificate)}"
        except RuntimeError as error:
            raise CannotListenError(
                f"cannot listen on {name}:{port} for gRPC; choose another address with {settings}"
            ) from error

    def _add_port(self, address: str, certificate: ServerCertificate | None) -> int:
        if certificate is None:
            return self._server.add_insecure_port(address)
        return self._server.add_secure_port(address, certificate.build_rpc_credentials())

    def bind_socket(self, path: Path, *, settings: str) -> None:
        """Answer on a Unix socket too; one that a dead process left there is taken over.

        Raises:
            CannotListenError: If something else is there, or it cannot be made.
        """
        if path.is_socket() and _is_answered(path):
            raise CannotListenError(f"another server answers on {path}; choose another path with {settings}")
        if path.exists() and not path.is_socket():
            raise CannotListenError(f"{path} is no socket; choose another path with {settings}")
        try:
            path.unlink(missing_ok=True)
            self._server.add_insecure_port(f"unix:{path.absolute()}")
        except (OSError, RuntimeError) as error:
            raise CannotListenError(
                f"cannot make the socket {path}: is there the folder {path.absolute().parent}, and may we write in it? "
                f"choose another path with {settings}"
            ) from error

    async def serve(self) -> None:
        """Answer until `stop`, then finish what runs.

        Raises:
            ServerEndedError: If gRPC ended by itself.
        """
        await self._server.start()
        self._life.start()
        ending = asyncio.create_task(self._server.wait_for_termination())
        await self._wait_for_stop(ending)
        self._life.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace_s + FAREWELL_S):
                await self._life.wait_until_quiet()
        # Not sooner: it tells clients to go elsewhere, but then closes their connections over answers under way.
        await self._server.stop(_LAST_WORDS_S)
        await ending

    async def _wait_for_stop(self, ending: asyncio.Task[bool]) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not self._stopping.is_set():
            stopping.cancel()
            raise ServerEndedError("the gRPC server has ended by itself") from ending.exception()

    def announce(self) -> None:
        """Nothing: health says it, and gRPC's own word to go elsewhere cuts answers short; see `serve`."""

    def stop(self) -> None:
        """Take no new call."""
        self._stopping.set()

    def cut_off(self) -> None:
        """End the calls that outlast the grace, and tell their callers."""
        self._life.cut_off()


def _is_answered(path: Path) -> bool:
    """False only if nobody listens any more: a server that is slow to accept, or another user's, is not dead."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_ANSWER_S)
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True
