"""How much of a bounded room one of many callers may hold; knows not what the room holds."""

NOBODY = ""
"""Nobody in particular, which is many callers: their share is the whole room."""

# A caller may hold so many times the places that are free: 8/9 of the room if it is alone. Whoever comes later finds a
# ninth of the room, and leaves a ninth of that (dynamic thresholds, Choudhury and Hahne 1998).
_PLACES_PER_FREE_PLACE = 8


def is_within_share(caller: str, held: int, more: int, free: int) -> bool:
    """Whether a caller may take more places; who holds none may take any that are free.

    Args:
        caller: Who.
        held: Places that it holds already.
        more: Places that it wants beside those.
        free: Places that are free before it gets them.
    """
    return caller == NOBODY or not held or held + more <= _PLACES_PER_FREE_PLACE * (free - more)
