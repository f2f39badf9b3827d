"""A line between a service's first process and one of its workers, on which each learns of the other's end."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

OPEN = b"o"
"""What a worker says when its doors are open."""

READY = b"r"
"""What it says after that, once it can do its work."""


class Lifeline:
    """The worker's end; implements `service.servers.Server`, because a worker ends with the process that watches it."""

    def __init__(self, descriptor: int, wait_until_ready: Callable[[], Awaitable[None]]) -> None:
        """Hold one end of the line.

        Args:
            descriptor: The number under which it was inherited.
            wait_until_ready: Returns once the worker can do its work.
        """
        self._socket = socket.socket(fileno=descriptor)
        self._wait_until_ready = wait_until_ready
        self._ending = asyncio.Event()

    async def serve(self) -> None:
        """Tell that the doors are open, and later that it is ready; return as `wait_until_cut` does."""
        self._say(OPEN)
        getting_ready = asyncio.create_task(self._tell_of_readiness())
        await self.wait_until_cut()
        getting_ready.cancel()

    async def _tell_of_readiness(self) -> None:
        await self._wait_until_ready()
        self._say(READY)

    def _say(self, word: bytes) -> None:
        with suppress(OSError):  # the first process is gone, which the line tells too
            self._socket.send(word)

    async def wait_until_cut(self) -> None:
        """Return once the first process is gone, or `stop` was called."""
        loop = asyncio.get_running_loop()
        # Nothing is ever sent to this end: there is something to read when the other end is closed.
        loop.add_reader(self._socket, self._ending.set)
        try:
            await self._ending.wait()
        finally:
            loop.remove_reader(self._socket)

    def announce(self) -> None:
        """Nothing: the first process knows."""

    def stop(self) -> None:
        """Wait no longer."""
        self._ending.set()

    def is_cut(self) -> bool:
        """Whether the first process is gone."""
        try:
            return not self._socket.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionResetError:  # it died before it read what was said
            return True

    def close(self) -> None:
        """Let go of this end."""
        self._socket.close()


class WorkerLine:
    """The first process's end of one worker's line.

    Attributes:
        descriptor: Number of the worker's end, for the process to inherit; closed by `hand_over`.
    """

    def __init__(self) -> None:
        """Make both ends."""
        self._ours, self._theirs = socket.socketpair()
        self._ours.settimeout(0)
        self.descriptor = self._theirs.fileno()

    def hand_over(self) -> None:
        """Let go of the worker's end, which it has by now: so that its death is noticed."""
        self._theirs.close()

    async def hear(self) -> bytes:
        """The worker's next word, `OPEN` or `READY`; empty once it has ended."""
        with suppress(ConnectionResetError):
            return await asyncio.get_running_loop().sock_recv(self._ours, 1)
        return b""

    def close(self) -> None:
        """Let go of both ends: to a worker that lives it means that this process died."""
        self._theirs.close()
        self._ours.close()
