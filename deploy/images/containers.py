"""Containers as strict as they should be run: the root file system is read only, and a tmpfs at /tmp is all
that can be written.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.images.storage import Storage, run_command


@dataclass(frozen=True, slots=True)
class Container:
    """A container of an image, in which any number of processes may run.

    Attributes:
        storage: Where it is.
        name: What buildah calls it.
        root: Its root file system, as the machine sees it.
    """

    storage: Storage
    name: str
    root: Path

    def run(self, *command: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a command as the image's user, and return what it writes.

        Raises:
            CommandFailedError: If it fails.
        """
        settings = [f"{name}={value}" for name, value in (environment or {}).items()]
        return run_command(self.storage.write_run(self.name, settings, command), limit_s=300)

    def write_python(self, *, is_init: bool = False) -> Path:
        """A program on this side that is the Python on the other: the same arguments, signals and exit status.

        Args:
            is_init: The process gets the number 1, in process numbers of its own, as under an engine. buildah's
                isolation by chroot has no such thing, so that the container is then entered by `unshare`.
        """
        program = self.storage.folder / f"python-{self.name}{'-init' if is_init else ''}"
        arguments = [str(self.storage.folder), self.storage.driver, self.name, "init" if is_init else "run"]
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m deploy.images.inside {" ".join(arguments)} "$@"\n')
        program.chmod(0o755)
        return program

    def list_written(self) -> list[str]:
        """What lies in /tmp."""
        return sorted(path.name for path in (self.root / "tmp").iterdir())


@contextmanager
def opened(storage: Storage, image: str, volumes: Mapping[str, Path] | None = None) -> Iterator[Container]:
    """A container for as long as a block lasts.

    Args:
        storage: Has the image.
        image: Its name.
        volumes: Folders of this machine by their places in the container, where they can be written.
    """
    with ExitStack() as held:
        name = storage.buildah("from", "--pull-never", image)
        held.callback(storage.buildah, "rm", name)
        root = Path(storage.buildah("mount", name))
        # Its first run makes the places for what is mounted in every run, such as /etc/resolv.conf.
        run_command(storage.write_run(name, (), ("python3", "-c", "")))
        held.enter_context(_mounted(root, "--bind", str(root)))
        run_command(["mount", "-o", "remount,ro,bind", root])
        # buildah keeps a mark of its own there; the image's user cannot.
        held.enter_context(_mounted(root / "run", "-t", "tmpfs", "-o", "mode=755,size=1m", "none"))
        held.enter_context(_mounted(root / "tmp", "-t", "tmpfs", "-o", "mode=1777,nosuid,nodev", "none"))
        # `unshare` mounts none of this, and gRPC's channels want a resolv.conf.
        for path in ("/dev", "/etc/hosts", "/etc/resolv.conf"):
            held.enter_context(_mounted(root / path.lstrip("/"), "--bind", path))
        for place, folder in (volumes or {}).items():
            held.enter_context(_mounted(root / place.lstrip("/"), "--bind", str(folder)))
        yield Container(storage, name, root)


@contextmanager
def _mounted(place: Path, *what: str) -> Iterator[None]:
    run_command(["mount", *what, place])
    try:
        yield
    finally:
        run_command(["umount", place])
