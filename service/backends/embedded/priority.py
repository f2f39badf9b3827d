"""Threads that let others go first."""

import os
import sys
from contextlib import suppress

# The scheduler then gives the thread about a tenth of what another one gets that wants the same processor, and all of
# what nobody else wants.
_NICENESS = 10


def give_way() -> None:
    """Let the calling thread give way to the other threads, for ever; elsewhere than on Linux it does nothing."""
    if sys.platform == "linux":  # where niceness is a thread's own; POSIX, and macOS, make it the whole process's
        with suppress(OSError):  # a sandbox may forbid it; the thread then works as any other
            os.nice(_NICENESS)
