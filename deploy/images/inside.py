"""`python -m deploy.images.inside FOLDER DRIVER CONTAINER run|init ARGUMENTS...`: a container's Python.

It stands between the container and its caller as an engine does: settings go in, SIGTERM is handed to the process in
the container, and the exit status comes out.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.images.storage import Storage

_PREFIX = "DIGITCODEC_"
# How their names begin: buildah starts itself again, by way of a file in memory.
_WRAPPERS = ("buildah", "exe", "memfd:buildah", "unshare")


def main(storage: Storage, container: str, manner: str, arguments: list[str]) -> int:
    """Run it until it ends; returns its exit status."""
    settings = [f"{name}={value}" for name, value in os.environ.items() if name.startswith(_PREFIX)]
    command = ["python3", *arguments]
    words = (
        _write_init(storage, container, settings, command)
        if manner == "init"
        else storage.write_run(container, settings, command)
    )
    child = subprocess.Popen(words)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(find_innermost(child.pid), number))
    return child.wait()


def _write_init(storage: Storage, container: str, settings: list[str], command: list[str]) -> list[str]:
    """The words that enter a mounted container with process numbers of its own, as its user, without its shell."""
    config = storage.read_container(container)
    root = storage.buildah("mount", container)
    user, _, group = config["User"].partition(":")
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    entering = [f"--root={root}", f"--wd={config['WorkingDir']}", f"--setgid={group}", f"--setuid={user}"]
    return ["env", "--ignore-environment", *config["Env"], *settings, *namespaces, *entering, "--", *command]


def find_innermost(pid: int) -> int:
    """The first process below one that is no wrapper; itself, if it is none or has nothing below."""
    while Path(f"/proc/{pid}/comm").read_text().startswith(_WRAPPERS):
        children = list_children(pid)
        if not children:
            break
        pid = children[0]
    return pid


def list_children(pid: int) -> list[int]:
    """Processes that one has started; each belongs to the thread that did."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


if __name__ == "__main__":
    _folder, _driver, _container, _manner, *_arguments = sys.argv[1:]
    sys.exit(main(Storage(Path(_folder), _driver), _container, _manner, _arguments))
