"""What reading a folder gathers: every picture once, and a count of all else; opens no file."""

import hashlib
from collections import Counter
from collections.abc import Iterable

import numpy as np

from training.data.crops import Crop, UnusableFileError
from training.data.facts import FolderFacts, Polarity, SizeCount, SkippedFile
from training.data.readers import SIDE, Images, Labels
from training.data.walk import FoundFile


class Pictures:
    """What was read so far.

    Attributes:
        files: The file of each image; of copies the first one.
        skipped: The files that gave none.
        count: How many files gave one, copies too.
        polarity: How many of these have which.
    """

    def __init__(self, most: int) -> None:
        self.files: list[FoundFile] = []
        self.skipped: list[SkippedFile] = []
        self.count = 0
        self.polarity = Counter(dict.fromkeys(Polarity, 0))
        self._labels: list[int | None] = []
        self._images = np.empty((most, SIDE, SIDE), np.uint8)
        self._places: dict[bytes, int] = {}
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._contradictions = 0

    @property
    def images(self) -> Images:
        """uint8 (n, 28, 28), all different."""
        return self._images[: len(self.files)]

    @property
    def labels(self) -> Labels | None:
        """int64 (n,) if every image, or a copy of it, lies in a folder that is named by a digit, else None."""
        return None if None in self._labels else np.array(self._labels, np.int64)

    def add(self, file: FoundFile, crop: Crop) -> None:
        """Take in a picture; only count it if it came before."""
        self.count += 1
        self.polarity[crop.polarity] += 1
        if crop.size is not None:
            self._sizes[crop.size] += 1
        place = self._places.setdefault(hashlib.sha256(crop.image.tobytes()).digest(), len(self.files))
        if place < len(self.files):
            self._add_copy(place, _find_label(file))
            return
        self._images[place] = crop.image
        self.files.append(file)
        self._labels.append(_find_label(file))

    def skip(self, file: FoundFile, refusal: UnusableFileError) -> None:
        """Note a file that gives no image."""
        self.skipped.append(SkippedFile(file.name, refusal.reason, str(refusal)))

    def collect_facts(self, preprocess: str, reason: str) -> FolderFacts:
        """What the data report tells of the folder."""
        return FolderFacts(
            files=self.count + len(self.skipped),
            skipped=tuple(self.skipped),
            copies=self.count - len(self.files),
            contradictions=self._contradictions,
            unlabelled=self._labels.count(None),
            sizes=tuple(SizeCount(*size, count) for size, count in self._sizes.most_common()),
            polarity=dict(self.polarity),
            preprocess=preprocess,
            preprocess_reason=reason,
        )

    def _add_copy(self, place: int, label: int | None) -> None:
        """The first label stays, and a copy may bring one."""
        known = self._labels[place]
        self._contradictions += None not in {known, label} and known != label
        self._labels[place] = label if known is None else known


def count_reasons(skipped: Iterable[SkippedFile]) -> dict[str, int]:
    """Reason -> how many files were skipped for it, the most frequent first."""
    counts = Counter(file.reason for file in skipped)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _find_label(file: FoundFile) -> int | None:
    """The digit that names the file's own folder, if one does."""
    name = file.path.parent.name
    return int(name) if len(name) == 1 and name in "0123456789" else None
