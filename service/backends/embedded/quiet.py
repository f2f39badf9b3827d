"""Holds back what a C++ library writes to the terminal while it starts."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def held_back_stderr() -> Iterator[None]:
    """Keep everything written to file descriptor 2 inside the block; shown only if the block fails.

    TensorFlow reports oneDNN and the absence of a GPU before it reads its own log level, so no setting stops it.
    """
    sys.stderr.flush()
    terminal = os.dup(_STDERR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            os.dup2(terminal, _STDERR)
            os.close(terminal)
