"""How much of a bounded room one of many callers may hold; knows not what the room holds."""

NOBODY = ""
"""Nobody in particular, which is many callers: their share is the whole room."""

# A caller may hold so many times the places that are free: 8/9 of the room if it is alone. Whoever comes later finds a
# ninth of the room, and leaves a ninth of that (dynamic thresholds, Choudhury and Hahne 1998).
_PLACES_PER_FREE_PLACE = 8


def is_within_share(caller: str, held: int, free: int) -> bool:
    """Whether a caller may hold so many places while so many are free."""
    return caller == NOBODY or held <= _PLACES_PER_FREE_PLACE * free
