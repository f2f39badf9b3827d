"""What a file is, by the ending of its name."""

import re

from service.bulk.sources import Kind
from service.images import ENDINGS

_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_HIDDEN = re.compile(r"(?:^|/)\.(?!\.?/)")


def is_image(name: str) -> bool:
    """True for the ending of an image file that the service reads; case does not matter."""
    return name.lower().endswith(ENDINGS)


def is_hidden(path: str) -> bool:
    """True if a file, or a folder above it, has a name that begins with a dot: `._1.png` is what macOS adds to tars."""
    return _HIDDEN.search(path) is not None


def find_kind(name: str) -> Kind | None:
    """How a file is read; None for an ending that is none of ours."""
    lower = name.lower()
    if lower.endswith(_TARS):
        return "tar"
    if lower.endswith((".parquet", ".parq")):
        return "parquet"
    if lower.endswith(".npy"):
        return "npy"
    return "files" if is_image(lower) else None
