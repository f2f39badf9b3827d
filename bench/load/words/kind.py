"""One kind of request: how it is written for some digits, and how its answer is read."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.load.ask import Door, Read, Request
from bench.load.digits import Digits


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request.

    Attributes:
        door: Where it is sent.
        name: What it is, in a few words.
        sizes: Rows that such requests have.
        outputs: What the answer must hold, no more and no less.
        write: Makes the request for digits.
        read: Reads the answer.
    """

    door: Door
    name: str
    sizes: tuple[int, ...]
    outputs: tuple[str, ...]
    write: Callable[[Digits], Request]
    read: Read
