"""buildah in a storage of its own: what is on the machine stays as it is, and nothing of ours is left there."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Without namespaces of its own: that works within a container, too.
_ISOLATION = "chroot"


class CommandFailedError(Exception):
    """A command ended with another status than 0; the text holds what it wrote."""


def run_command(arguments: Sequence[str | Path], *, limit_s: float = 900, cwd: Path | None = None) -> str:
    """What a command writes to its standard output.

    Raises:
        CommandFailedError: If it fails or takes longer than `limit_s` seconds.
    """
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=limit_s, cwd=cwd, check=False)
    except subprocess.TimeoutExpired as error:
        raise CommandFailedError(f"{arguments[0]} took longer than {limit_s:.0f} s") from error
    if done.returncode:
        words = " ".join(str(word) for word in arguments)
        raise CommandFailedError(f"{words} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Storage:
    """Images and containers below one folder.

    Attributes:
        folder: Holds nothing else, and is removed by `remove`.
        driver: How layers are kept.
    """

    folder: Path
    driver: str

    def list_options(self) -> list[str]:
        """What buildah and podman are to be told, so that they use this storage."""
        root, runroot = self.folder / "root", self.folder / "run"
        return ["--root", str(root), "--runroot", str(runroot), "--storage-driver", self.driver]

    def buildah(self, command: str, *arguments: str | Path, limit_s: float = 900, cwd: Path | None = None) -> str:
        """Run `buildah COMMAND`, and return what it writes.

        Raises:
            CommandFailedError: If it fails.
        """
        isolated = ["--isolation", _ISOLATION] if command in {"bud", "run", "from"} else []
        words = ["buildah", *self.list_options(), command, *isolated, *arguments]
        return run_command(words, limit_s=limit_s, cwd=cwd).strip()

    def write_run(self, container: str, environment: Sequence[str], command: Sequence[str]) -> list[str]:
        """The words that run a command in a container; `environment` is NAME=VALUE."""
        settings = [f"--env={each}" for each in environment]
        run = ["run", "--isolation", _ISOLATION, *settings, container, "--", *command]
        return ["buildah", *self.list_options(), *run]

    def add_image(self, name: str, archive: Path) -> None:
        """Make an image of one layer out of a tar of a root file system."""
        container = self.buildah("from", "scratch")
        self.buildah("add", container, archive, "/")
        self.buildah("config", "--env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", container)
        self.buildah("commit", "--quiet", "--rm", container, name)

    def read_config(self, image: str) -> dict[str, Any]:
        """What an image says about how it is run: Env, User, Entrypoint, Healthcheck, Labels and others."""
        config: dict[str, Any] = json.loads(self.buildah("inspect", "--type", "image", image))["Docker"]["config"]
        return config

    def read_container(self, container: str) -> dict[str, Any]:
        """The same of a container."""
        config: dict[str, Any] = json.loads(self.buildah("inspect", container))["Docker"]["config"]
        return config

    def list_layers(self, image: str) -> list[tuple[str, int]]:
        """What made each layer of an image that holds anything, and its bytes; the lowest first."""
        layers = json.loads(run_command(["podman", *self.list_options(), "history", "--format", "json", image]))
        return [(layer["CreatedBy"], layer["size"]) for layer in reversed(layers) if layer["size"]]

    def remove(self) -> None:
        """Take all of it away; what of it still runs is ended."""
        if self.folder.exists():
            for pid in self._list_running():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.buildah("rm", "--all")
            self.buildah("rmi", "--all", "--force")
            shutil.rmtree(self.folder)

    def _list_running(self) -> Iterator[int]:
        """Processes that were told of this folder; a container's own end with the one that started them."""
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended by itself meanwhile
                if str(self.folder).encode() in (folder / "cmdline").read_bytes():
                    yield int(folder.name)


def find_driver(folder: Path) -> str:
    """The driver for a storage below a folder: overlay, or where there is none vfs, which copies every layer whole."""
    parts = {name: folder / "probe" / name for name in ("lowerdir", "upperdir", "workdir", "merged")}
    for part in parts.values():
        part.mkdir(parents=True)
    merged = parts.pop("merged")
    options = ",".join(f"{name}={part}" for name, part in parts.items())
    try:
        run_command(["mount", "-t", "overlay", "-o", options, "overlay", merged])
    except CommandFailedError:
        return "vfs"
    else:
        run_command(["umount", merged])
        return "overlay"
    finally:
        shutil.rmtree(folder / "probe")


def find_missing() -> list[str]:
    """What the machine lacks, in words; empty if nothing."""
    commands = ("buildah", "podman", "debootstrap", "mount", "unshare")
    missing = [f"the command {name}" for name in commands if shutil.which(name) is None]
    return missing if os.geteuid() == 0 else [*missing, "the rights of root"]
