"""Fetch MNIST once into a cache, checked byte for byte; knows nothing of what the files hold."""

import hashlib
import http.client
import logging
import os
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.errors import DataError

_LOG = logging.getLogger(__name__)
_TIMEOUT_S = 30.0
# A file is written in one go: one that is unfinished after a minute is a dead writer's.
_DEAD_AFTER_S = 60.0
_ADVICE = "give --data DIR with the four files, or --data digits for scikit-learn's small set"

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


@dataclass(frozen=True)
class RemoteFile:
    """A file whose every byte is known beforehand.

    Attributes:
        name: Its name at every mirror and in the cache.
        size_bytes: Its length; no more is ever read.
        sha256: Its SHA-256, in hex.
    """

    name: str
    size_bytes: int
    sha256: str


MNIST_FILES = (
    RemoteFile(
        "train-images-idx3-ubyte.gz",
        9_630_610,
        "71524e2cd1ad2968737f7f2f2ff69cbfc32df8ccddff51593f7cb2d4e0eb5b64",
    ),
    RemoteFile(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    RemoteFile(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    RemoteFile(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)


def find_cache() -> Path:
    """Where downloads are kept: below XDG_CACHE_HOME if that is an absolute path, else below ~/.cache.

    Source: XDG Base Directory Specification 0.8, which says to ignore relative paths.
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    root = given if given.is_absolute() else Path.home() / ".cache"
    return root / "digitcodec" / "mnist"


def fetch_files(cache: Path, files: Sequence[RemoteFile] = MNIST_FILES, mirrors: Sequence[str] = MIRRORS) -> Path:
    """Make sure that `cache` holds every file, whole and unchanged; returns `cache`.

    A file appears under its name only when its checksum was right, so an interrupted download leaves nothing
    that could be mistaken for it.

    Raises:
        DataError: If a file is at no mirror, or is not the one expected, or cannot be written.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for file in files:
            if not _is_cached(cache, file):
                _clear_leftovers(cache, file)
                _write_atomically(cache / file.name, _fetch(file, mirrors))
    except OSError as error:
        raise DataError(f"cannot keep MNIST in {cache}: {error}; {_ADVICE}") from error
    return cache


def _is_cached(cache: Path, file: RemoteFile) -> bool:
    path = cache / file.name
    if not path.exists():
        return False
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found == file.sha256:
        return True
    path.unlink()
    _LOG.warning("deleted %s: its sha256 is %s, expected %s", path, found, file.sha256)
    return False


def _clear_leftovers(cache: Path, file: RemoteFile) -> None:
    for leftover in cache.glob(f".{file.name}.*"):
        if time.time() - leftover.stat().st_mtime > _DEAD_AFTER_S:
            leftover.unlink()


def _fetch(file: RemoteFile, mirrors: Sequence[str]) -> bytes:
    refusals = []
    for mirror in mirrors:
        _LOG.info("downloading %s (%.1f MB) from %s", file.name, file.size_bytes / 1e6, mirror)
        try:
            return _download(mirror + file.name, file)
        except (OSError, http.client.HTTPException, DataError) as error:
            refusals.append(f"{mirror}: {error}")
    raise DataError(f"cannot download {file.name} ({'; '.join(refusals)}); {_ADVICE}")


def _download(url: str, file: RemoteFile) -> bytes:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:  # noqa: S310  # our own mirrors only
        content: bytes = response.read(file.size_bytes + 1)
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise DataError(f"threw away what came: its sha256 is {found}, expected {file.sha256}")
    return content


def _write_atomically(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as temporary:
        try:
            temporary.write(content)
            temporary.flush()
            Path(temporary.name).replace(path)
        except BaseException:
            Path(temporary.name).unlink(missing_ok=True)
            raise
