"""One form that requests and answers have in a protocol, and the names that all protocols share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from bench.words.ask import Reading, Reply, Request

INPUTS: Mapping[str, str] = MappingProxyType(
    {"encode": "images", "decode": "codes", "reconstruct": "images", "score": "images"}
)
"""What each signature takes."""

FIRST_OUTPUTS: Mapping[str, str] = MappingProxyType(
    {"encode": "codes", "decode": "images", "reconstruct": "reconstructions"}
)
"""What the answer of a signature is called where it goes without a name."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form that requests and answers have in a protocol.

    Attributes:
        write: Makes the request from a signature's name and its rows: images, uint8 (n, 28, 28), or codes, float32
            (n, k).
        read: Reads the answer to a request of that signature; one that is malformed raises what NumPy, orjson or
            protobuf do, or UnreadableReplyError.
    """

    write: Callable[[str, NDArray[Any]], Request]
    read: Callable[[str, Reply], Reading]
