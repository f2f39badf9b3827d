"""A stop that comes before a service has started: as process 1 it has no handler but its own."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL

from deploy.images.containers import Container
from deploy.images.failures import CheckFailedError, expect
from deploy.images.inside import find_innermost, list_children

# Loaded in the middle of the imports, long before any port is open.
_LIBRARY = "_multiarray_umath"
_FREE_PORTS = {"DIGITCODEC_HTTP__PORT": "0", "DIGITCODEC_GRPC__PORT": "0"}
# As a shell tells of a process that ended by a signal.
_STATUS = 128 + signal.SIGTERM
_START_LIMIT_S, _STOP_LIMIT_S, _LOOK_INTERVAL_S = 60.0, 5.0, 0.005


def check_early_stop(container: Container) -> Iterator[str]:
    """SIGTERM during the imports ends the service at once.

    Raises:
        CheckFailedError: If it does not, so that an engine would wait for its whole grace and kill.
    """
    with _started(container) as child:
        os.kill(_wait_for_imports(child), signal.SIGTERM)
        try:
            child.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise CheckFailedError(f"SIGTERM during the start: still there after {_STOP_LIMIT_S:.0f} s") from error
        expect(_STATUS, child.returncode, "exit status after SIGTERM during the start")
    yield f"SIGTERM during the start ends process 1 at once, with status {_STATUS}"


@contextmanager
def _started(container: Container) -> Iterator[subprocess.Popen[bytes]]:
    """The service, that is starting; nothing of it is left when the block ends."""
    words = [str(container.write_python(is_init=True)), "-m", "service"]
    environment = {**os.environ, **_FREE_PORTS}
    with subprocess.Popen(words, env=environment, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True) as child:
        try:
            yield child
        finally:
            with suppress(ProcessLookupError):  # it has ended, and all that it started
                os.killpg(child.pid, signal.SIGKILL)


def _wait_for_imports(child: subprocess.Popen[bytes]) -> int:
    """The number of the process in the container, once it imports."""
    end_s = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < end_s and child.poll() is None:
        with suppress(FileNotFoundError, ProcessLookupError):  # those that prepare the container come and go
            for pid in map(find_innermost, list_children(child.pid)):
                if _LIBRARY in Path(f"/proc/{pid}/maps").read_text():
                    return pid
        time.sleep(_LOOK_INTERVAL_S)
    raise CheckFailedError(f"the service did not start within {_START_LIMIT_S:.0f} s")
