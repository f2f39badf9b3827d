"""`python -m deploy.images [--only gateway]`: build the Dockerfile's targets without Docker, run them, judge them.

Wants buildah, podman (which tells the sizes of layers), debootstrap and root; leaves nothing but a base image in
build/images, for the next time.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.running import ServiceFailedError
from deploy.images.base import make_base
from deploy.images.building import BASE, Built
from deploy.images.failures import CheckFailedError
from deploy.images.plan import TARGETS, list_steps
from deploy.images.storage import CommandFailedError, Storage, find_driver, find_missing

_FOLDER = Path("build/images")
_FAILURES = (CheckFailedError, CommandFailedError, ServiceFailedError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, judge; returns the exit status: 2 if the machine cannot do it."""
    parser = argparse.ArgumentParser(prog="python -m deploy.images", description=__doc__)
    parser.add_argument(
        "--only", choices=TARGETS, help="this target alone; a model server of the working tree serves it"
    )
    only = parser.parse_args(arguments).only
    missing = find_missing()
    if missing:
        print(f"the image test needs {', '.join(missing)}; Debian has packages of the commands' names", file=sys.stderr)
        return 2
    began_s = time.monotonic()
    try:
        with _opened_storage() as storage:
            built = _run_steps(storage, (only,) if only else TARGETS)
    except _FAILURES as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print("\n".join(_summarise(built, time.monotonic() - began_s)))
    return 0


@contextmanager
def _opened_storage() -> Iterator[Storage]:
    """A storage with the base in it, that is removed however the block ends."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        folder = Path(tempfile.mkdtemp(prefix="storage-", dir=_FOLDER.absolute()))
        storage = Storage(folder, find_driver(folder))
        held.callback(storage.remove)
        _tell(f"the base, kept by {storage.driver}")
        storage.add_image(BASE, make_base(_FOLDER).absolute())
        yield storage


def _run_steps(storage: Storage, targets: Sequence[str]) -> list[Built]:
    built: list[Built] = []
    for step in list_steps(storage, targets, built):
        _tell(step.name)
        for line in step.run():
            print(f"    {line}", flush=True)
    return built


def _tell(step: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {step}", flush=True)


def _summarise(built: Sequence[Built], seconds: float) -> Iterator[str]:
    yield f"\n{'image':10}  {'MB':>8}  {'built in s':>10}"
    for each in built:
        yield f"{each.target:10}  {sum(size for _, size in each.layers) / 1e6:8.1f}  {each.seconds:10.0f}"
    yield f"all well after {seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
