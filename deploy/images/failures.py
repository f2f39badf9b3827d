"""What is wrong with an image."""


class CheckFailedError(Exception):
    """An image is not as it should be; the text says what was seen and what is wanted."""


def expect(wanted: object, seen: object, what: str) -> None:
    """Raises: CheckFailedError, if two values differ."""
    if wanted != seen:
        raise CheckFailedError(f"{what}: {seen!r}, wanted {wanted!r}")
