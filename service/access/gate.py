"""Lets callers in whose key is known."""

from typing import Protocol

from service.access.keyfile import KeyFile
from service.access.keys import Key
from service.errors import UnauthenticatedError


class Gate(Protocol):
    """Tells who a caller is."""

    def identify(self, secret: bytes | None) -> Key | None:
        """The key of a caller, or None where nobody needs one.

        Args:
            secret: What the caller showed, or None.

        Raises:
            UnauthenticatedError: If that opens nothing.
        """


class OpenGate:
    """Lets everybody in; implements `Gate`."""

    def identify(self, secret: bytes | None) -> Key | None:  # noqa: ARG002 - a `Gate`
        """Nobody needs a key."""
        return None


class KeyGate:
    """Lets in who has a key of a file; implements `Gate`."""

    def __init__(self, file: KeyFile) -> None:
        self._file = file

    def identify(self, secret: bytes | None) -> Key | None:
        """See `Gate.identify`."""
        if secret is None:
            raise UnauthenticatedError("no key came; send it as Authorization: Bearer KEY, or as X-API-Key: KEY")
        key = self._file.ring.find(secret)
        if key is None:
            raise UnauthenticatedError("the key that came is not known here")
        return key
