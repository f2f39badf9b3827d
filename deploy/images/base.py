"""A base image out of Debian's packages, in the place of the one that the Dockerfile names."""

import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.images.storage import CommandFailedError, run_command

_SUITE = "bookworm"  # its Python is 3.11
_PACKAGES = "ca-certificates,libgomp1,libstdc++6,netbase,python3,python3-distutils,python3-pip"
_UNWANTED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists")
_TRIES = 3


def make_base(folder: Path) -> Path:
    """A tar of the root file system; one that is in the folder already is taken as it is.

    Raises:
        CommandFailedError: If debootstrap fails three times.
    """
    archive = folder / "base.tar"
    if not archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with _mounted_memory(folder.absolute() / "tree") as tree:
            _bootstrap(tree)
            _write_tar(archive, tree)
    return archive


@contextmanager
def _mounted_memory(folder: Path) -> Iterator[Path]:
    """A folder in memory: dpkg waits for the disk after every file."""
    folder.mkdir(exist_ok=True)
    run_command(["mount", "-t", "tmpfs", "-o", "mode=755", "none", folder])
    try:
        yield folder
    finally:
        run_command(["umount", folder])
        folder.rmdir()


def _bootstrap(tree: Path) -> None:
    for left in reversed(range(_TRIES)):
        try:
            run_command(["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, tree])
        except CommandFailedError:  # a mirror that was away for a moment; what has come is kept
            if not left:
                raise
            time.sleep(5)
        else:
            return


def _write_tar(target: Path, tree: Path) -> None:
    unfinished = target.with_suffix(".unfinished")
    with tarfile.open(unfinished, "w") as tar:
        for path in sorted(tree.rglob("*")):
            inside = path.relative_to(tree)
            if not (path.is_socket() or any(inside.is_relative_to(each) for each in _UNWANTED)):
                tar.add(path, arcname=str(inside), recursive=False)
    unfinished.rename(target)
