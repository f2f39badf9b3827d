"""API keys: random words that are kept as hashes, under names that may be told to anyone.

A key has 256 random bits, so one round of SHA-256 keeps it as safe as a slow hash would: nobody can try them all. That
is why the service makes the keys itself and takes no passwords.
"""

import hmac
import re
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from service.access.rates import Rate
from service.startup import CannotStartError

_PREFIX = "digitcodec_"  # lets scanners for leaked secrets know one when they see it
_KEY_BYTES = 32
_DIGEST = re.compile(r"[0-9a-f]{64}").fullmatch
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_FIELDS = {"sha256", "rows_per_s", "burst_rows"}
_PREFIX_BYTES = 8

# More than any service has; sums and quotients of such numbers stay finite.
_MOST_ROWS = 1e12


class UnusableKeysError(CannotStartError):
    """A file of keys that cannot be read; the text says what is wrong, and holds no key."""


@dataclass(frozen=True, slots=True)
class Key:
    """One caller's key.

    Attributes:
        name: What logs and metrics call the caller.
        rate: How much the caller may send, or None for what holds for all.
    """

    name: str
    rate: Rate | None = None


class KeyRing:
    """The keys that are good at one moment.

    Attributes:
        names: What they are called.
        rates: The rates of those that have one of their own, by name.
    """

    def __init__(self, keys: Sequence[tuple[bytes, Key]]) -> None:
        """Hold keys.

        Args:
            keys: Each with the SHA-256 of the secret that opens it; several secrets may open one.
        """
        self._by_prefix: dict[bytes, list[tuple[bytes, Key]]] = {}
        for digest, key in keys:
            self._by_prefix.setdefault(digest[:_PREFIX_BYTES], []).append((digest, key))
        self.names = frozenset(key.name for _, key in keys)
        self.rates = {key.name: key.rate for _, key in keys if key.rate is not None}

    def find(self, secret: bytes) -> Key | None:
        """The key that a secret opens, or None.

        The time it takes may tell whether some hash begins with the same 8 bytes as that of what came. This is known of
        a hash then, and nothing of its key, whose 256 random bits follow from no part of it. Hashes are compared to
        their end, wherever they differ.
        """
        digest = sha256(secret).digest()
        for known, key in self._by_prefix.get(digest[:_PREFIX_BYTES], ()):
            if hmac.compare_digest(known, digest):
                return key
        return None


def make_key(name: str) -> tuple[str, str]:
    """A new secret, to be handed to its caller and kept nowhere, and the lines of the file that let it in.

    Raises:
        UnusableKeysError: If the name is none.
    """
    _check_name(name)
    secret = _PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    return secret, f'[keys.{name}]\nsha256 = ["{sha256(secret.encode()).hexdigest()}"]\n'


def parse_keys(text: str) -> KeyRing:
    """The keys of a TOML text.

    Each has a table `keys.NAME` with a list `sha256`, and with `rows_per_s` and `burst_rows` if wanted. An empty table
    `keys` is a ring that lets nobody in; it must be there, since a text that is empty is more likely a slip.

    Raises:
        UnusableKeysError: If it is something else.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of numbers and lists beyond measure it says no better
        raise UnusableKeysError(f"it is no TOML: {error}") from error
    tables = document.get("keys")
    if document.keys() != {"keys"} or not isinstance(tables, dict):
        raise UnusableKeysError("expected tables [keys.NAME] and nothing else; an empty [keys] lets nobody in")
    keys = [pair for name, table in tables.items() for pair in _parse_key(name, table)]
    _check_distinct([digest for digest, _ in keys])
    return KeyRing(keys)


def _parse_key(name: str, table: Any) -> list[tuple[bytes, Key]]:
    _check_name(name)
    if not isinstance(table, dict) or not table.keys() <= _FIELDS:
        raise UnusableKeysError(f"keys.{name} may have {', '.join(sorted(_FIELDS))}, and nothing else")
    digests = table.get("sha256")
    if not isinstance(digests, list) or not digests or not all(map(_is_digest, digests)):
        raise UnusableKeysError(f"keys.{name}.sha256 must be a list of at least one SHA-256, 64 digits of 0-9a-f each")
    key = Key(name, _parse_rate(name, table))
    return [(bytes.fromhex(digest), key) for digest in digests]


def _parse_rate(name: str, table: Mapping[str, Any]) -> Rate | None:
    rows_per_s, burst_rows = table.get("rows_per_s"), table.get("burst_rows")
    if rows_per_s is None:
        if burst_rows is not None:
            raise UnusableKeysError(f"keys.{name} has burst_rows, but no rows_per_s")
        return None
    for field, value in (("rows_per_s", rows_per_s), ("burst_rows", burst_rows)):
        if value is not None and not _is_amount(value):
            raise UnusableKeysError(f"keys.{name}.{field} must be a number above 0, at most {_MOST_ROWS:.0e}")
    return Rate.of(rows_per_s, burst_rows)


def _check_name(name: str) -> None:
    if not _NAME(name):
        raise UnusableKeysError("a name of a key has 1 to 64 of A-Z a-z 0-9 _ -")


def _check_distinct(digests: Sequence[bytes]) -> None:
    if len(set(digests)) < len(digests):
        raise UnusableKeysError("one SHA-256 stands there twice: each key must have secrets of its own")


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and _DIGEST(value) is not None


def _is_amount(value: Any) -> bool:
    return type(value) in {int, float} and 0 < value <= _MOST_ROWS
