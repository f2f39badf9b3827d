"""A gate with one key, whose ring a test may change."""

from service.access import Key, KeyRing, make_key, parse_keys
from service.errors import UnauthenticatedError

SECRET, LINES = make_key("scanner-hall")
BEARER = {"authorization": f"Bearer {SECRET}"}


class RingGate:
    """A gate with one key.

    Attributes:
        ring: What is let in now.
    """

    def __init__(self) -> None:
        self.ring = parse_keys(LINES)

    def identify(self, secret: bytes | None) -> Key | None:
        """Look among the keys."""
        key = None if secret is None else self.ring.find(secret)
        if key is None:
            raise UnauthenticatedError("not let in")
        return key

    def lock(self) -> None:
        """Take the key away."""
        self.ring = KeyRing([])
