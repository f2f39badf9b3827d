"""Whether a caller takes what it is sent."""

import asyncio

from service.servers.wire import Wire

# Between two looks that are so far apart the transport below TLS has written, had it anything to write.
_SETTLED_S = 0.01


class Taking:
    """The way of one connection's answers to its caller, as two looks at it tell."""

    def __init__(self, transport: asyncio.Transport, wire: Wire) -> None:
        """Begin with nothing sent.

        Args:
            transport: Of a connection that is made.
            wire: The socket below it.
        """
        self._transport = transport
        self._wire = wire
        self._blocked_since_s: float | None = None
        self._settled_since_s: float | None = None
        self._taken_bytes = 0

    def note_request(self) -> None:
        """The caller asks again, so it has taken the last answer."""
        self._blocked_since_s = None

    def measure_block(self, now_s: float) -> float | None:
        """For how many seconds something has waited that the caller does not take; None if nothing waits.

        Args:
            now_s: The event loop's time.
        """
        # TLS hands all to the transport below it, so its own buffer is empty; but the one of the system is not then.
        if not (self._transport.get_write_buffer_size() or self._wire.count_unsent()):
            self._blocked_since_s = None
            return None
        if self._blocked_since_s is None:
            self._blocked_since_s = now_s
        return now_s - self._blocked_since_s

    def has_all(self, now_s: float) -> bool:
        """Whether the caller of a closing connection has everything.

        What waits below TLS cannot be seen, but it is on the move: only if the caller took nothing between two looks,
        and there was nothing to take at both, it has everything.

        Args:
            now_s: The event loop's time.
        """
        taken_bytes = self._wire.count_taken()
        has_moved, self._taken_bytes = taken_bytes != self._taken_bytes, taken_bytes
        if has_moved or self._transport.get_write_buffer_size() or self._wire.count_untaken():
            self._settled_since_s = None
            return False
        if self._settled_since_s is None:
            self._settled_since_s = now_s
        return now_s - self._settled_since_s >= _SETTLED_S
