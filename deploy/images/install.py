"""In a build stage: `install.py REQUIREMENTS FOLDER` installs what is pinned, without what never runs in an image.

It runs before anything is installed, so it has the standard library and pip alone.
"""

import compileall
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

# Stubs, headers and static libraries: for compilers and type checkers.
_SUFFIXES = {".pyi", ".pyx", ".pxd", ".h", ".hpp", ".a"}
# Scripts name the Python of the build stage; numpy's own tests are a tenth of it, and nothing imports them.
_FOLDERS = ("bin", "share", "tensorflow/include", "numpy/**/tests")


def main(requirements: Path, folder: Path) -> None:
    """Install, trim, compile.

    Raises:
        subprocess.CalledProcessError: If pip fails.
        RuntimeError: If a file does not compile.
    """
    _install(requirements, folder)
    for path in list(find_unused(folder)):
        _remove(path)
    # The image's files are read only, and their times depend on the build: Python is told not to look at them.
    if not compileall.compile_dir(folder, quiet=1, workers=0, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH):
        raise RuntimeError(f"a file in {folder} does not compile")


def _install(requirements: Path, folder: Path) -> None:
    options = ["--no-cache-dir", "--no-compile", "--disable-pip-version-check", "--root-user-action=ignore"]
    pins = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--target", str(folder), "-r", str(requirements)]
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *options, *pins], check=True)


def find_unused(folder: Path) -> Iterator[Path]:
    """What an image can do without; a file may be named after the folder that it is in."""
    for pattern in _FOLDERS:
        yield from folder.glob(pattern)
    for path in folder.rglob("*"):
        if path.suffix in _SUFFIXES:
            yield path


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
