"""Import TensorFlow without its start-up noise; knows nothing of digits."""

import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


def load_tensorflow() -> None:
    """Import TensorFlow for the first time without a word on stderr, and keep its later notes quiet.

    TensorFlow writes about oneDNN and CUDA from C++ before its log level is read, so the level alone does
    not silence it. If the import fails, what was held back is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _held_back_stderr():
        importlib.import_module("tensorflow")
    for name in ("tensorflow", "absl"):  # warnings about names inside an exported graph help nobody
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def _held_back_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(_STDERR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
