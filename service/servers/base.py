"""What every server promises to whoever starts and stops it, and what they have in common."""

import os
import socket
from typing import Protocol

from service.startup import CannotStartError

# Time for the answers that tell of the end of the grace.
FAREWELL_S = 2

# Connections that may wait for accept: a burst of new clients is not turned away.
BACKLOG = 2048


class CannotListenError(CannotStartError):
    """An address cannot be had."""


class Server(Protocol):
    """Answers on its sockets until it is told to stop."""

    async def serve(self) -> None:
        """Answer; returns once `stop` was called and what was running has its answer, or its grace is over."""

    def announce(self) -> None:
        """Ask callers to go elsewhere; those who stay are still answered."""

    def stop(self) -> None:
        """Take nothing new from now on."""


def find_family(host: str, port: int) -> socket.AddressFamily:
    """IPv4 or IPv6, as the system resolves the name."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]


def is_dual(host: str, family: socket.AddressFamily) -> bool:
    """Whether IPv4 callers come to this address too: to all addresses, as gRPC understands `::`, if the system can."""
    return family == socket.AF_INET6 and host in {"", "::"} and socket.has_dualstack_ipv6()


def bind_alone(host: str, port: int) -> socket.socket:
    """A listening socket on an address that no other service has.

    Raises:
        OSError: If it cannot be had.
    """
    family = find_family(host, port)
    return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=is_dual(host, family))


def cannot_listen(host: str, port: int, error: OSError, settings: str) -> CannotListenError:
    """The error for an address that cannot be had, with the reason and what chooses another."""
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)
    return CannotListenError(f"cannot listen on {host}:{port}: {reason}; choose another address with {settings}")
