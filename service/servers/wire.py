"""What the system holds of a connection, on its way to us and to the caller; below TLS nothing else tells."""

import asyncio
import fcntl
import socket
import struct
import termios

# Of the queue to the caller what has not been sent yet, because the caller takes no more (linux/sockios.h).
_SIOCOUTQNSD = 0x894B
# Where the bytes that the caller's system has acknowledged are in the answer to TCP_INFO (linux/tcp.h, since 4.1).
_ACKNOWLEDGED_AT = 120
_ACKNOWLEDGED = struct.Struct("Q")


class Wire:
    """The socket below a transport, whose numbers are all 0 once it is closed."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Look through a transport that is connected."""
        self._transport = transport

    def is_open(self) -> bool:
        """Whether there is a socket still; if not, the transport itself must not be asked for anything."""
        return self._find_socket() is not None

    def count_incoming(self) -> int:
        """Bytes that came and were not read yet."""
        return self._count(termios.FIONREAD)

    def count_untaken(self) -> int:
        """Bytes that the caller's system has not acknowledged."""
        return self._count(termios.TIOCOUTQ)

    def count_unsent(self) -> int:
        """Bytes of those that could not even be sent, as a caller who does not read leaves no room for them."""
        try:
            return self._count(_SIOCOUTQNSD)
        except OSError:  # a system that is no Linux at heart, as gVisor, cannot tell
            return 0

    def count_taken(self) -> int:
        """Bytes that the caller's system has acknowledged since the connection was made."""
        wire = self._find_socket()
        if wire is None:
            return 0
        told = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKNOWLEDGED_AT + _ACKNOWLEDGED.size)
        taken: int = _ACKNOWLEDGED.unpack_from(told, _ACKNOWLEDGED_AT)[0]
        return taken

    def _count(self, queue: int) -> int:
        wire = self._find_socket()
        if wire is None:
            return 0
        count: int = struct.unpack("i", fcntl.ioctl(wire.fileno(), queue, bytes(4)))[0]
        return count

    def _find_socket(self) -> socket.socket | None:
        try:
            wire: socket.socket | None = self._transport.get_extra_info("socket")
        except AttributeError:  # asyncio's TLS transport forgets all it has when it is closed a second time
            return None
        # TLS forgets its socket one turn of the loop before it tells us of the end.
        return wire if wire is not None and wire.fileno() >= 0 else None
