"""Copies the default model into a folder that has no version yet: `seed.py SOURCE TARGET`.

SOURCE and TARGET are folders of one model, with versions in them. Containers run this file, which stands alone, before
the model server starts. As root it also gives the folders to the trainer's user, who is to publish into them.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

# The user of all images of the Dockerfile.
_USER = 10001


def main(source: Path, target: Path) -> str:
    """Copy if need be, and say in a line what was done.

    Raises:
        OSError: If the source has no version, or the target cannot be written.
    """
    target.mkdir(parents=True, exist_ok=True)
    present = _list_versions(target)
    copied = [] if present else [_copy(version, target) for version in _find_some(source)]
    _give_away(target.parent, target)
    return f"{target} has {', '.join(present)}" if present else f"copied {', '.join(copied)} to {target}"


def _list_versions(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.name.isdecimal())


def _find_some(source: Path) -> list[Path]:
    versions = [source / name for name in _list_versions(source)]
    if not versions:
        raise FileNotFoundError(f"{source} has no version")
    return versions


def _copy(version: Path, target: Path) -> str:
    """Copy whole beside the target and rename: the model server looks into the folder at any moment."""
    workshop = Path(tempfile.mkdtemp(prefix=".seed-", dir=target))
    try:
        shutil.copytree(version, workshop / version.name)
        _hand_over(workshop / version.name)
        (workshop / version.name).rename(target / version.name)
    except OSError:
        # Another replica with the same volume was quicker.
        if not (target / version.name).is_dir():
            raise
    finally:
        shutil.rmtree(workshop)
    return version.name


def _hand_over(version: Path) -> None:
    """The model server and the trainer are other users than root."""
    for path in [version, *version.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        _give_away(path)


def _give_away(*paths: Path) -> None:
    """Nobody else can, and nobody else has to."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, _USER, _USER)


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2])))
