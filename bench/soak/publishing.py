"""New versions of the model while the service answers: copies of one, so that every version answers alike."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODEL = "digits"


class Publisher:
    """Publishes versions in a folder of its own.

    Attributes:
        root: The folder, for DIGITCODEC_MODEL__ROOT.
        published: When each version was there, in seconds of the run; the first one at 0.
    """

    def __init__(self, source: Path, root: Path) -> None:
        """Publish version 1.

        Args:
            source: A version's directory, which all are copies of.
            root: An empty folder.
        """
        self.root = root
        self._source = source
        self.published: dict[int, float] = {}
        self.publish(0)

    def publish(self, at_s: float) -> int:
        """Publish the next version: written whole to a sibling that is no version, then renamed."""
        version = len(self.published) + 1
        folder = self.root / MODEL
        sibling = folder / f".{version}.partial"
        shutil.copytree(self._source, sibling)
        sibling.rename(folder / str(version))
        self.published[version] = at_s
        return version


@contextmanager
def publishing(source: Path) -> Iterator[Publisher]:
    """A publisher over a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        yield Publisher(source, Path(folder))
