"""A service of one's own for as long as a block lasts: a child process on a free loopback port."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 60.0
_LOOK_INTERVAL_S = 0.02

_PORTS = (
    "DIGITCODEC_HTTP__PORT",
    "DIGITCODEC_GRPC__PORT",
    "DIGITCODEC_MODEL_SERVER__PORT",
    "DIGITCODEC_MODEL_SERVER__REST_PORT",
)
# Answers 200 once requests would be answered; TensorFlow Serving has metadata of loaded versions only.
_READY_PATHS = {"gateway": "/readyz", "model-server": "/v1/models/digits/metadata"}


class ServiceFailedError(Exception):
    """The child ended or was not ready in time; the text holds what it wrote."""


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that listens.

    Attributes:
        url: Where it listens for HTTP, without a slash at the end.
        grpc: Where it listens for gRPC, host:port.
        process: The child, for a block that wants to stop it itself.
    """

    url: str
    grpc: str
    process: subprocess.Popen[bytes]

    def memory_mib(self) -> float:
        """Resident memory of the process, in MiB; read from Linux's /proc."""
        return float(self.read_proc("status").partition("VmRSS:")[2].split()[0]) / 1024

    def read_proc(self, name: str) -> str:
        """A file of Linux's about the process, for example `maps`."""
        return Path(f"/proc/{self.process.pid}/{name}").read_text()


def behind(address: str) -> dict[str, str]:
    """The settings of a gateway before the model server at host:port."""
    return {"DIGITCODEC_BACKEND__KIND": "tfserving", "DIGITCODEC_BACKEND__TARGET": f"dns:///{address}"}


@contextmanager
def running_service(
    settings: Mapping[str, str] | None = None,
    command: Literal["gateway", "model-server"] = "gateway",
    *,
    is_ready_wanted: bool = True,
    python: Path | None = None,
    module: Sequence[str] = ("service",),
    cwd: Path | None = None,
) -> Iterator[RunningService]:
    """Start `python -m service`, wait until it is ready, and stop it with SIGTERM however the block ends.

    Args:
        settings: DIGITCODEC_* variables beside those of the environment; ports are free ones unless they are given.
        command: What is served.
        is_ready_wanted: Wait until it would answer requests, not only until it listens.
        python: Runs it; by default the Python that runs this.
        module: What that runs, with arguments that come before the command.
        cwd: Where it is started; by default here, so that the service of the working tree is run.

    Raises:
        ServiceFailedError: If it ends or takes longer than two minutes, or does not stop with status 0.
    """
    chosen = {**dict.fromkeys(_PORTS, "0"), "DIGITCODEC_OBSERVABILITY__LOG_FORMAT": "json", **(settings or {})}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as stream:
            child = subprocess.Popen(
                [python or sys.executable, "-m", *module, command],
                env={**os.environ, **chosen},
                cwd=cwd,
                stdout=stream,
                stderr=stream,
            )
        try:
            places = _wait_for_places(child, log)
            if is_ready_wanted:
                _wait_until_ready(child, log, places["url"] + _READY_PATHS[command])
            yield RunningService(places["url"], places["grpc"], child)
        finally:
            stop_child(child)
        if child.returncode:
            raise ServiceFailedError(f"the service ended with status {child.returncode}:\n{_tail(log)}")


def _wait_for_places(child: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    for _ in _looks(child, log):
        for line in log.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n") and b'"listening"' in line:
                places: dict[str, str] = json.loads(line)
                return places
    raise AssertionError("unreachable: _looks raises at its end")


def _wait_until_ready(child: subprocess.Popen[bytes], log: Path, url: str) -> None:
    for _ in _looks(child, log):
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own http URL
                return
        except urllib.error.HTTPError as error:
            error.close()
        except TimeoutError:  # a machine with much else to do; `_looks` ends it
            continue


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


def stop_child(child: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and end it if it does not."""
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
