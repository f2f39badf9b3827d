"""deploy/images: what is left out of an image, and what a build is told about pip."""

import sys
from pathlib import Path

import pytest

from deploy.images.contents import check_gateway, list_programs
from deploy.images.failures import CheckFailedError
from deploy.images.inside import find_innermost
from deploy.images.install import find_unused
from deploy.images.pip_settings import parse_pip_settings
from deploy.images.runtime import copy_files, find_libraries


def make_files(folder: Path, *names: str) -> Path:
    """Empty files below a folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_what_only_compilers_read_is_left_out(tmp_path: Path) -> None:
    """Python files stay, and other packages' tests do: some import them."""
    kept = ("numpy/a.py", "numpy/a.so", "h5py/tests/a.py", "include/a.py")
    packages = make_files(tmp_path, *kept, "numpy/lib/tests/a.py", "numpy/a.pyi", "a/b.h", "bin/uvicorn")
    unused = {str(path.relative_to(packages)) for path in find_unused(packages)}

    assert {"numpy/lib/tests", "numpy/a.pyi", "a/b.h", "bin"} == unused


def test_pip_is_told_what_it_is_told_outside(tmp_path: Path) -> None:
    """The environment comes before files, and each place on this machine is named once."""
    listed = ":env:.find-links='/wheels'\nglobal.find-links='/other'\nglobal.extra-index-url='file:///index/simple https://b.test/simple'"
    settings = parse_pip_settings(f"{listed}\nglobal.timeout='5'\n")

    assert (
        "[global]\nextra-index-url = file:///index/simple https://b.test/simple\nfind-links = /wheels\n"
        == settings.text
    )
    assert (Path("/index"), Path("/wheels")) == settings.paths


def test_without_settings_pip_is_told_nothing() -> None:
    """An empty configuration file is one."""
    settings = parse_pip_settings("")

    assert ("[global]\n", ()) == (settings.text, settings.paths)


@pytest.mark.parametrize("name", ["usr/lib/libtensorflow_cc.so.2", "opt/digitcodec/tensorflow/a.py"])
def test_a_gateway_with_tensorflow_is_refused(tmp_path: Path, name: str) -> None:
    """Its libraries and its packages alike; the generated messages are the service's own file."""
    root = make_files(tmp_path, name, "srv/service/wire/tensorflow_serving.binpb")

    with pytest.raises(CheckFailedError, match="files of TensorFlow"):
        list(check_gateway(root))


def test_a_large_gateway_is_refused(tmp_path: Path) -> None:
    """Its files are counted by what they say they hold."""
    with (make_files(tmp_path, "a") / "a").open("wb") as file:
        file.truncate(200_000_001)

    with pytest.raises(CheckFailedError, match=r"200\.0 MB unpacked"):
        list(check_gateway(tmp_path))


def test_shells_are_found_wherever_programs_are(tmp_path: Path) -> None:
    """A link into another folder is one, too."""
    root = make_files(tmp_path, "usr/bin/python3", "usr/local/bin/sh")

    assert ["sh"] == list_programs(root, ("sh", "bash"))


def test_a_process_that_is_no_wrapper_gets_its_signals_itself() -> None:
    """Workers of a service are below it, and are its own matter."""
    own = int(Path("/proc/self/stat").read_text().split()[0])

    assert own == find_innermost(own)


def test_python_comes_with_the_libraries_under_it() -> None:
    """The loader is one of them: nothing starts without it."""
    names = {path.name for path in find_libraries([Path(sys.executable).resolve()])}

    assert "libc.so.6" in names
    assert any(name.startswith("ld-linux") for name in names)


def test_files_keep_their_places_and_links_become_what_they_lead_to(tmp_path: Path) -> None:
    """What is not there is left out: not every Debian has every file."""
    source = make_files(tmp_path / "base", "usr/lib/a.so.1.2", "etc/services")
    (source / "usr/lib/a.so.1").symlink_to("a.so.1.2")
    copy_files([source / "usr/lib/a.so.1", source / "etc/services", source / "etc/nothing"], tmp_path / "root")
    copied = tmp_path / "root" / source.relative_to("/")

    assert ["etc/services", "usr/lib/a.so.1"] == sorted(
        str(path.relative_to(copied)) for path in copied.rglob("*") if path.is_file()
    )
    assert not (copied / "usr/lib/a.so.1").is_symlink()
