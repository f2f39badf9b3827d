"""One port for several processes, and for no other service."""

import socket

import pytest

from service.servers import CannotListenError
from service.servers.reserve import check_free, reserve

HOST = "127.0.0.1"


def listen_together(port: int) -> socket.socket:
    """What gRPC does in each worker."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((HOST, port))
    listener.listen()
    return listener


def test_own_processes_listen_and_answer_on_a_reserved_port() -> None:
    """The reservation itself takes no connection."""
    with reserve(HOST, 0, settings="X") as reserved:
        port = reserved.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, port), 10)
        with listen_together(port) as first, listen_together(port):
            first.close()
            socket.create_connection((HOST, port), 10).close()


def test_reserved_port_is_refused_to_any_other_service() -> None:
    """To one that would share it too, and before any worker listens; with what chooses another."""
    with reserve(HOST, 0, settings="X") as reserved:
        port = reserved.getsockname()[1]
        for take in (reserve, check_free):
            with pytest.raises(CannotListenError, match=f"{HOST}:{port}.*THE_SETTING"):
                take(HOST, port, settings="THE_SETTING")


def test_port_of_another_service_is_not_reserved() -> None:
    """Whether it shares it with others or not."""
    with socket.create_server((HOST, 0)) as alone, pytest.raises(CannotListenError):
        reserve(HOST, alone.getsockname()[1], settings="X")


def test_address_that_is_not_ours_is_told() -> None:
    """An address of the documentation's own network."""
    with pytest.raises(CannotListenError, match=r"192\.0\.2\.1:9"):
        reserve("192.0.2.1", 9, settings="X")
