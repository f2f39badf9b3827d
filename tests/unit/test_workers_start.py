"""What keeps a service of several processes from starting, before any of them is started."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from service.servers import CannotListenError
from service.settings import GrpcSettings, HttpSettings, Settings
from service.workers import NoSharedFolderError, serve_workers


def choose(grpc_port: int = 0) -> Settings:
    """Two workers on free ports."""
    return Settings(http=HttpSettings(port=0, workers=2), grpc=GrpcSettings(port=grpc_port))


async def test_missing_temporary_folder_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The line says what it is needed for, and what names another."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(NoSharedFolderError, match=r"metrics.*nowhere.*TMPDIR"):
        await serve_workers(choose())


async def test_temporary_folder_without_room_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system would kill a worker that writes there."""
    usage = shutil.disk_usage(tempfile.gettempdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**20))
    with pytest.raises(NoSharedFolderError, match=r"metrics.* 1048576 bytes free.*TMPDIR"):
        await serve_workers(choose())


def test_single_process_keeps_its_metrics_to_itself(tmp_path: Path) -> None:
    """Also where another program's variable names a folder for several processes."""
    look = "import service.__main__, prometheus_client.values as values; print(values.ValueClass.__name__)"
    told = subprocess.run(
        [sys.executable, "-c", look],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert "MutexValue" == told.stdout.strip()


async def test_taken_port_is_told_by_the_first_process() -> None:
    """No worker would have to find out."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListenError, match=f"127.0.0.1:{port}.*DIGITCODEC_GRPC__PORT"):
            await serve_workers(choose(port))
