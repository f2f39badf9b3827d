"""What comes back, as values, and the failure to get anything."""

from collections.abc import Mapping
from dataclasses import dataclass


class FindingError(Exception):
    """The service did what it must not; the text says what."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer over HTTP.

    Attributes:
        status: Its status.
        headers: By name in lower case.
        body: Whole.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RpcReply:
    """How a call ended.

    Attributes:
        code: Name of its status.
        detail: The status' text.
        trailing: The metadata at its end.
        messages: What was answered.
    """

    code: str
    detail: str
    trailing: Mapping[str, str | bytes]
    messages: tuple[bytes, ...]
