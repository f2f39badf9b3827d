"""The systems that a bench compares, each running for as long as its block lasts, all with the same model."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from bench.running import RunningService, behind, running_service, stop_child
from bench.sizing import read_processor_s
from bench.speed.loads import Load

OURS, NAIVE, FLOOR, THIN = "ours", "naive", "bare floor", "thin gateway"

_START_LIMIT_S = 120.0
_BACKLOG = 512
_BULK = "bulk"


class SystemFailedError(Exception):
    """A system did not come up; the text says which."""


@dataclass(frozen=True, slots=True)
class System:
    """Something that listens for HTTP on loopback.

    Attributes:
        name: For the tables.
        processes: All of its processes; the first one is asked.
        paths: Where each kind of load goes: a signature, or `bulk`. Others are not asked of it.
    """

    name: str
    processes: tuple[RunningService, ...]
    paths: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({"encode": "/encode", "reconstruct": "/reconstruct", _BULK: "/encode"})
    )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.processes[0].url.rpartition(":")[2])

    def find_path(self, load: Load) -> str | None:
        """Where the load goes; None if it is not asked of this system."""
        return self.paths.get(load.signature if load.rows == 1 else _BULK)

    def read_processor_s(self) -> float:
        """Processor time that its processes have used."""
        return sum(map(read_processor_s, self.processes))


@contextmanager
def linked_root(version: Path) -> Iterator[Path]:
    """A models folder that holds this version alone, by a link to it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "digits").mkdir()
        (Path(folder) / "digits/1").symlink_to(version.absolute(), target_is_directory=True)
        yield Path(folder)


def serve_from(root: Path) -> dict[str, str]:
    """The settings of a service with the models of a folder."""
    return {"DIGITCODEC_MODEL__ROOT": str(root)}


@contextmanager
def our_system(root: Path) -> Iterator[System]:
    """The service as it is by default."""
    with running_service(serve_from(root)) as service:
        yield System(OURS, (service,))


@contextmanager
def thin_system(root: Path) -> Iterator[tuple[System, str]]:
    """A gateway before a model server on a Unix socket, and the gRPC target of that socket."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model-server"
        target = {"DIGITCODEC_BACKEND__TARGET": f"unix:{path}"}
        settings = {**serve_from(root), "DIGITCODEC_MODEL_SERVER__SOCKET": str(path)}
        with (
            running_service(settings, "model-server") as server,
            running_service({**behind(server.grpc), **target}) as gateway,
        ):
            yield System(THIN, (gateway, server), {"encode": "/encode"}), target["DIGITCODEC_BACKEND__TARGET"]


@contextmanager
def naive_system(version: Path) -> Iterator[System]:
    """FastAPI with a TensorFlow call per request."""
    paths = {"encode": "/encode", "reconstruct": "/reconstruct", _BULK: "/encode_many"}
    with _hosted("bench.speed.naive:app", {"BENCH_VERSION": str(version), "TF_CPP_MIN_LOG_LEVEL": "3"}) as process:
        yield System(NAIVE, (process,), paths)


@contextmanager
def floor_system() -> Iterator[System]:
    """Bare uvicorn and Pillow, without a model."""
    with _hosted("bench.speed.floor:app", {}) as process:
        yield System(FLOOR, (process,), {"encode": "/encode"})


@contextmanager
def _hosted(app: str, environment: Mapping[str, str]) -> Iterator[RunningService]:
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
        child = subprocess.Popen(
            [sys.executable, "-m", "bench.speed.host", app, str(listener.fileno())],
            env={**os.environ, **environment},
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        _wait_until_it_answers(child, url, app)
        yield RunningService(url, "", child)
    finally:
        stop_child(child)


def _wait_until_it_answers(child: subprocess.Popen[bytes], url: str, app: str) -> None:
    """Wait for any answer: that an application has no such page, or cannot read nothing, is one as well."""
    end_s = time.monotonic() + _START_LIMIT_S
    while child.poll() is None and time.monotonic() < end_s:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own http URL
                return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:  # its socket listens already, and nobody takes the connection yet
            time.sleep(0.02)
    raise SystemFailedError(f"{app} did not answer: it {'is silent' if child.poll() is None else 'ended'}")
