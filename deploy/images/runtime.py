"""In a build stage: `runtime.py FOLDER` makes a root file system of the Python that runs it, and of nothing else.

That is the interpreter, its standard library with bytecode, the C libraries under both and under wheels, certificates
and the names of protocols: no shell, no package manager, no list of users. It has the standard library alone.
"""

import compileall
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

# Programs, other people's packages, and tests: nothing that runs in an image imports them.
_UNUSED = ("__pycache__", "config-*", "ensurepip", "idlelib", "lib2to3", "*-packages", "test", "tkinter", "turtledemo")
# Wheels link to these, whether or not Python does: those that the wheels' standard lets them expect, and OpenMP's.
_FOR_WHEELS = re.compile(r"lib(c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+|gomp|z)\.so\.\d+")
_SETTINGS = (
    *("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf"),
    *("/etc/nsswitch.conf", "/etc/host.conf", "/etc/protocols", "/etc/services", "/etc/ld.so.conf"),
    *("/etc/os-release", "/usr/lib/os-release"),
)


def main(folder: Path) -> None:
    """Copy, compile, and note where the libraries are.

    Raises:
        OSError: If something cannot be read or written.
        subprocess.CalledProcessError: If the C library's own tools fail.
        RuntimeError: If a file of the standard library does not compile.
    """
    interpreter = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    _make_tree(folder)
    shutil.copytree(library, _within(folder, library), ignore=shutil.ignore_patterns(*_UNUSED))
    programs = [interpreter, *_within(folder, library).glob("lib-dynload/*.so")]
    copy_files([interpreter, *find_libraries(programs), *_find_for_wheels(), *map(Path, _SETTINGS)], folder)
    _within(folder, interpreter.with_name("python3")).symlink_to(interpreter.name)
    # The image's files are read only, and their times depend on the build: Python is told not to look at them.
    if not compileall.compile_dir(
        _within(folder, library), quiet=1, stripdir=folder, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    ):
        raise RuntimeError(f"a file in {library} does not compile")
    subprocess.run(["/sbin/ldconfig", "-r", str(folder)], check=True)


def _make_tree(folder: Path) -> None:
    """The folders that programs expect, and the links by which libraries are known under two names."""
    for name in ("lib", "lib64", "bin", "sbin"):
        (folder / "usr" / name).mkdir(parents=True)
        if Path("/", name).is_symlink():
            (folder / name).symlink_to(f"usr/{name}")
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)


def find_libraries(programs: Iterable[Path]) -> Iterator[Path]:
    """The shared libraries that these want, by the names by which they want them."""
    for program in programs:
        told = subprocess.run(["/usr/bin/ldd", str(program)], capture_output=True, text=True, check=False)
        yield from map(Path, re.findall(r"(/\S+) \(0x", told.stdout))


def _find_for_wheels() -> Iterator[Path]:
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for name, path in re.findall(r"^\s+(\S+) \(.*\) => (\S+)$", known, re.MULTILINE):
        if _FOR_WHEELS.fullmatch(name):
            yield Path(path)


def copy_files(paths: Iterable[Path], folder: Path) -> None:
    """Copy what there is of these to the same places below the folder, links as the files that they lead to."""
    for path in sorted(set(paths)):
        target = _within(folder, path)
        if path.exists() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def _within(folder: Path, path: Path) -> Path:
    """The same place below the folder; a folder that is a link here, /lib, is one there."""
    return folder / os.path.relpath(path, "/")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
