"""Addresses that servers listen on."""

import os
import socket

from service.servers.base import CannotListenError

BACKLOG = 2048
"""Connections that may wait for accept: a burst of new clients is not turned away."""


def listen(host: str, port: int, *, settings: str) -> socket.socket:
    """A socket that takes connections from now on, on an address that no other service has.

    Args:
        host: Name or address.
        port: 0 lets the system choose.
        settings: What chooses another address, for the error message.

    Raises:
        CannotListenError: If the address is taken or not ours.
    """
    try:
        family = find_family(host, port)
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=is_dual(host, family))
    except OSError as error:
        raise cannot_listen(host, port, error, settings) from error


def find_url(listener: socket.socket, *, tls: bool = False) -> str:
    """Where a client reaches the socket, without a slash at the end."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def find_family(host: str, port: int) -> socket.AddressFamily:
    """IPv4 or IPv6, as the system resolves the name."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]


def is_dual(host: str, family: socket.AddressFamily) -> bool:
    """Whether IPv4 callers come to this address too: to all addresses, as gRPC understands `::`, if the system can."""
    return family == socket.AF_INET6 and host in {"", "::"} and socket.has_dualstack_ipv6()


def cannot_listen(host: str, port: int, error: OSError, settings: str) -> CannotListenError:
    """The error for an address that cannot be had, with the reason and what chooses another."""
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)
    return CannotListenError(f"cannot listen on {host}:{port}: {reason}; choose another address with {settings}")
