"""Holds a port for several processes that each listen on it themselves."""

import socket

from service.servers.addresses import cannot_listen, find_family, is_dual, listen


def reserve(host: str, port: int, *, settings: str) -> socket.socket:
    """A socket that keeps a port without listening on it, so that our own processes can, and no other service.

    They listen with SO_REUSEPORT: the system gives each new connection to one of them. Close it when none is to begin.

    Args:
        host: Name or address.
        port: 0 lets the system choose.
        settings: What chooses another address, for the error message.

    Raises:
        CannotListenError: If the address is taken or not ours.
    """
    # Who shares ports meets no resistance from others who do so too; who does not share does.
    check_free(host, port, settings=settings)
    family = find_family(host, port)
    reserved = socket.socket(family, socket.SOCK_STREAM)
    try:
        if is_dual(host, family):
            reserved.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind((host, port))
        # Needed to bind after a service that has just ended; left on, Linux would let others listen until we do.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError as error:
        reserved.close()
        raise cannot_listen(host, port, error, settings) from error
    return reserved


def check_free(host: str, port: int, *, settings: str) -> None:
    """Find out whether an address can be had for oneself.

    Raises:
        CannotListenError: If it is taken or not ours.
    """
    listen(host, port, settings=settings).close()
