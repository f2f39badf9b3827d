"""A service of one's own for as long as a block lasts: a child process on a free loopback port."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 60.0
_LOOK_INTERVAL_S = 0.02


class ServiceFailedError(Exception):
    """The child ended or was not ready in time; the text holds what it wrote."""


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that listens.

    Attributes:
        url: Where, without a slash at the end.
        process: The child, for a block that wants to stop it itself.
    """

    url: str
    process: subprocess.Popen[bytes]

    def memory_mib(self) -> float:
        """Resident memory of the process, in MiB; read from Linux's /proc."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return float(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def running_service(settings: Mapping[str, str] | None = None) -> Iterator[RunningService]:
    """Start `python -m service`, wait until it is ready, and stop it with SIGTERM however the block ends.

    Args:
        settings: DIGITCODEC_* variables beside those of the environment.

    Raises:
        ServiceFailedError: If it ends or takes longer than two minutes, or does not stop with status 0.
    """
    chosen = {"DIGITCODEC_HTTP__PORT": "0", "DIGITCODEC_OBSERVABILITY__LOG_FORMAT": "json", **(settings or {})}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as stream:
            child = subprocess.Popen(
                [sys.executable, "-m", "service"], env={**os.environ, **chosen}, stdout=stream, stderr=stream
            )
        try:
            url = _wait_for_url(child, log)
            _wait_until_ready(child, log, url)
            yield RunningService(url, child)
        finally:
            _stop(child)
        if child.returncode:
            raise ServiceFailedError(f"the service ended with status {child.returncode}:\n{_tail(log)}")


def _wait_for_url(child: subprocess.Popen[bytes], log: Path) -> str:
    for _ in _looks(child, log):
        for line in log.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n") and b'"listening"' in line:
                return str(json.loads(line)["url"])
    raise AssertionError("unreachable: _looks raises at its end")


def _wait_until_ready(child: subprocess.Popen[bytes], log: Path, url: str) -> None:
    for _ in _looks(child, log):
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - our own http URL
                return
        except urllib.error.HTTPError as error:
            error.close()


def _looks(child: subprocess.Popen[bytes], log: Path) -> Iterator[None]:
    """Look again and again while the child lives and has time left."""
    end_s = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < end_s:
        yield
        if child.poll() is not None:
            raise ServiceFailedError(f"the service ended with status {child.returncode}:\n{_tail(log)}")
        time.sleep(_LOOK_INTERVAL_S)
    raise ServiceFailedError(f"the service was not ready after {_START_LIMIT_S:.0f} s:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text()[-4000:]


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
