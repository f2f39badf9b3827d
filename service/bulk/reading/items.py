"""One image of a source, not yet decoded, or what is wrong in its place."""

from collections.abc import Callable
from typing import NamedTuple, NoReturn

from service.domain import Images
from service.errors import DigitCodecError, NotFoundError, PayloadTooLargeError

Decode = Callable[[bytes], Images]
"""An image file -> uint8 (28, 28); raises DigitCodecError."""


MOST_FILE_BYTES = 32 * 2**20
"""Most bytes of one image file, as much as the service takes in a request; no more of it is read."""


class Item(NamedTuple):
    """One image.

    Attributes:
        source: Its file; behind a `!` the member of an archive.
        name: What it is called within its input.
        row: Its index within the file.
        read: Makes the image, uint8 (28, 28), and is called before the next item is asked for, or not at all. Raises
            DigitCodecError or OSError.
    """

    source: str
    name: str
    row: int
    read: Callable[[], Images]


class UnreadableError(OSError):
    """A file cannot be read, or not to its end; the text says what was found."""


class Failure(NamedTuple):
    """Why there is no image.

    Attributes:
        reason: A word for programs: the service's own, or `unreadable`.
        problem: A sentence for people.
    """

    reason: str
    problem: str


def decode_file(content: bytes, decode: Decode) -> Images:
    """An image file, of which at least MOST_FILE_BYTES and one were read if it has so many.

    Raises:
        PayloadTooLargeError: If it has more.
        DigitCodecError: If it is no image.
    """
    if len(content) > MOST_FILE_BYTES:
        raise PayloadTooLargeError(f"the file has more than {MOST_FILE_BYTES} bytes, which is the limit")
    return decode(content)


def fail_item(source: str, row: int, error: Exception) -> Item:
    """An item in the place of what cannot be read."""

    def read() -> NoReturn:
        raise error

    return Item(source, "", row, read)


def describe_failure(error: DigitCodecError | OSError) -> Failure:
    """What the table says in the place of an image."""
    if isinstance(error, DigitCodecError):
        return Failure(error.reason, error.detail)
    if isinstance(error, FileNotFoundError):
        return Failure(NotFoundError.reason, "the file is not there")
    return Failure("unreadable", str(error))
