"""What an image holds, and what it must not: seen from outside, without running it."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.images.failures import CheckFailedError, expect

_LIMIT_BYTES = 200_000_000
_TENSORFLOW = ("libtensorflow*", "tensorflow", "tensorflow_serving", "keras", "tensorflow-*.dist-info")
_SHELLS = ("sh", "bash", "dash", "busybox", "apt", "dpkg", "pip", "pip3")


def check_common(root: Path, config: Mapping[str, Any], command: str) -> Iterator[str]:
    """Every image: its user, its signals, its start, and that nothing in it needs or offers a shell.

    Raises:
        CheckFailedError: If it is otherwise.
    """
    expect(["python3", "-m", command], config["Entrypoint"], "entrypoint")
    expect(("10001:10001", "SIGTERM"), (config["User"], config["StopSignal"]), "user and stop signal")
    expect([], list_programs(root, _SHELLS), "shells and package managers")
    unlabelled = [
        name for name in ("title", "description", "version", "revision", "created") if not _label(config, name)
    ]
    expect([], unlabelled, "labels that are missing")
    expect([], list_foreign_writable(root), "what the image's user could write")
    yield f"user {config['User']}, no shell, labelled {_label(config, 'version')} of {_label(config, 'revision')[:12]}"


def check_gateway(root: Path) -> Iterator[str]:
    """The gateway alone: nothing of TensorFlow, and its size.

    Raises:
        CheckFailedError: If it is otherwise.
    """
    found = sorted(str(path.relative_to(root)) for name in _TENSORFLOW for path in root.rglob(name))
    expect([], found, "files of TensorFlow")
    size = weigh(root)
    if size > _LIMIT_BYTES:
        raise CheckFailedError(f"{size / 1e6:.1f} MB unpacked, the limit is {_LIMIT_BYTES / 1e6:.0f}")
    yield f"{size / 1e6:.1f} MB unpacked, nothing of TensorFlow"


def weigh(root: Path) -> int:
    """Bytes of all files of a file system."""
    return sum(status.st_size for _, status in _list_all(root) if stat.S_ISREG(status.st_mode))


def list_programs(root: Path, names: tuple[str, ...]) -> list[str]:
    """Those of the programs that are there."""
    folders = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin")
    return sorted({name for name in names for folder in folders if (root / folder / name).exists()})


def list_foreign_writable(root: Path) -> list[str]:
    """Files and folders that anybody may write, but for temporary folders."""
    own = ((path, status.st_mode) for path, status in _list_all(root) if not stat.S_ISLNK(status.st_mode))
    return sorted(str(path.relative_to(root)) for path, mode in own if mode & stat.S_IWOTH and not mode & stat.S_ISVTX)


def _list_all(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """What is in the file system itself, not in others that are mounted in it."""
    device = root.stat().st_dev
    for path in root.rglob("*"):
        status = path.lstat()
        if status.st_dev == device:
            yield path, status


def _label(config: Mapping[str, Any], name: str) -> str:
    return str((config["Labels"] or {}).get(f"org.opencontainers.image.{name}", ""))
