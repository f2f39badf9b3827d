"""The file of keys: read at start, and again whenever it changes."""

import asyncio
from contextlib import suppress
from pathlib import Path

import structlog

from service.access.keys import KeyRing, UnusableKeysError, parse_keys

_log = structlog.get_logger()

_LOOK_INTERVAL_S = 1.0
# Time, inode and size: a file that is renamed into place differs in the second at least.
_Stamp = tuple[int, int, int]


class KeyFile:
    """Keys that follow their file.

    Attributes:
        ring: The keys that are good now. A file that is gone or damaged changes nothing, and is logged.
    """

    def __init__(self, path: Path, interval_s: float = _LOOK_INTERVAL_S) -> None:
        """Read the file.

        Args:
            path: A TOML file; see `parse_keys`.
            interval_s: Seconds between two looks.

        Raises:
            UnusableKeysError: If it cannot be used.
        """
        self._path = path
        self._interval_s = interval_s
        self._stamp = self._look()
        self.ring = self._read()
        self._tell()
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look for changes from now on."""
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Look no more."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                # A file system may be far away, and must not hold up the event loop.
                await asyncio.to_thread(self._follow)
            except Exception:  # noqa: BLE001 - without this task no key could be taken away any more
                _log.exception("keys_unusable", kept=sorted(self.ring.names))

    def _follow(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.ring = self._read()
        except UnusableKeysError as error:
            _log.error("keys_unusable", detail=str(error), kept=sorted(self.ring.names))
        else:
            self._tell()

    def _tell(self) -> None:
        if self.ring.names:
            _log.info("keys_read", path=str(self._path), names=sorted(self.ring.names))
        else:  # it may be what is wanted, and is worth a second look
            _log.warning("keys_read", path=str(self._path), names=[])

    def _look(self) -> _Stamp | None:
        """What tells one content from another; None where there is no file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _read(self) -> KeyRing:
        try:
            return parse_keys(self._path.read_text("utf-8"))
        except (OSError, ValueError, UnusableKeysError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UnusableKeysError(f"the keys in {self._path} cannot be used: {reason}") from error
