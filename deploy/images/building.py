"""Build one target of the Dockerfile with buildah, and weigh it."""

import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.images.pip_settings import PipSettings, read_pip_settings
from deploy.images.storage import Storage, run_command

BASE = "localhost/base"


@dataclass(frozen=True, slots=True)
class Built:
    """An image of the Dockerfile.

    Attributes:
        target: The target's name.
        layers: What made each layer, and its bytes, the lowest first.
        seconds: What the build took.
    """

    target: str
    layers: tuple[tuple[str, int], ...]
    seconds: float

    def describe(self) -> list[str]:
        """A line for each layer."""
        return [f"{size / 1e6:8.1f} MB  {_shorten(made_by)}" for made_by, size in self.layers]


def build_image(storage: Storage, target: str) -> Built:
    """Build a target from the working tree.

    Raises:
        CommandFailedError: If it does not build.
    """
    began_s, name = time.monotonic(), f"localhost/{target}"
    pip = read_pip_settings(sys.executable)
    secret = storage.folder / "pip.conf"
    secret.write_text(pip.text)
    options = ["--format", "docker", "--layers", "--target", target, "--tag", name, "--secret", f"id=pip,src={secret}"]
    storage.buildah("bud", *options, *_list_arguments(), *_list_volumes(pip), ".", limit_s=1800)
    return Built(target, tuple(storage.list_layers(name)), time.monotonic() - began_s)


def _list_arguments() -> list[str]:
    given = {
        "BASE": BASE,
        "REVISION": run_command(["git", "rev-parse", "HEAD"]).strip(),
        "CREATED": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return [f"--build-arg={name}={value}" for name, value in given.items()]


def _list_volumes(pip: PipSettings) -> list[str]:
    return [f"--volume={path}:{path}:ro" for path in pip.paths if path.exists()]


def _shorten(made_by: str) -> str:
    """The instruction, without the words around it that buildah adds."""
    if made_by == "/bin/sh":
        return "the base"
    words = made_by.removeprefix("/bin/sh -c").strip().removeprefix("#(nop)").split()
    return " ".join(word for word in words if not word.startswith(("dir:", "file:")))
