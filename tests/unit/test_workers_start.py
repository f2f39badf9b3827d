"""What keeps a service of several processes from starting, before any of them is started."""

import socket
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


async def test_taken_port_is_told_by_the_first_process() -> None:
    """No worker would have to find out."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListenError, match=f"127.0.0.1:{port}.*DIGITCODEC_GRPC__PORT"):
            await serve_workers(choose(port))
