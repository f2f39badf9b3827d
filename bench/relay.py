"""A relay between a client and a server on loopback that counts what travels, whatever the protocol is."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_CHUNK_BYTES = 2**16


@dataclass
class Traffic:
    """Bytes since the last `reset`.

    Attributes:
        sent: From clients to the server.
        received: From the server to clients.
    """

    sent: int = 0
    received: int = 0

    def reset(self) -> None:
        """Begin anew."""
        self.sent = self.received = 0


@contextmanager
def counting_relay(address: str) -> Iterator[tuple[str, Traffic]]:
    """The address of a relay to `address` (both host:port), and what has passed it."""
    host, _, port = address.rpartition(":")
    traffic = Traffic()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = (host, int(port))
        threading.Thread(target=_accept, args=(listener, target, traffic), daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", traffic


def _accept(listener: socket.socket, target: tuple[str, int], traffic: Traffic) -> None:
    with suppress(OSError):  # the listener was closed: the block has ended
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(target)
            for source, sink, direction in ((client, server, "sent"), (server, client, "received")):
                threading.Thread(target=_pump, args=(source, sink, traffic, direction), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, traffic: Traffic, direction: str) -> None:
    with suppress(OSError):  # either side may go at any moment
        while data := source.recv(_CHUNK_BYTES):
            setattr(traffic, direction, getattr(traffic, direction) + len(data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
