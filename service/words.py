"""How a caller's own text is shown in an error message; knows no transport."""

_SHOWN_CHARACTERS = 60


def shorten(value: str) -> str:
    """A caller's own text, quoted and cut to a length that an error message can bear."""
    return repr(value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "...")
