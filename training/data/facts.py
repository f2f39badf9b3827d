"""What is known of a source of digits beside its pixels: plain values, which the data report prints and writes."""

from dataclasses import dataclass
from enum import StrEnum


class Polarity(StrEnum):
    """Which side of a picture is the ink, judged by its border."""

    DARK_ON_LIGHT = "dark on light"
    LIGHT_ON_DARK = "light on dark"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class SkippedFile:
    """A file that gave no image.

    Attributes:
        path: Where it is, below the folder that was read.
        reason: In a word or two, the same for all files of one kind of fault.
        detail: What came and what was expected.
    """

    path: str
    reason: str
    detail: str


@dataclass(frozen=True)
class SizeCount:
    """How many pictures are `width` pixels wide and `height` high, before they are turned by their Exif data."""

    width: int
    height: int
    pictures: int


@dataclass(frozen=True)
class FolderFacts:
    """What a folder of image files held.

    Attributes:
        files: All files, hidden ones left out.
        skipped: Those that gave no image.
        copies: Pictures that are pixel for pixel like one that came before them; each is used once.
        contradictions: Those of the copies that lie in a folder of another digit.
        unlabelled: Used pictures of which no copy lies in a folder that is named by a digit.
        sizes: Of every picture that could be read, copies too; the most frequent first.
        polarity: How many of these pictures have which.
        preprocess: How all of them became 28x28: `strict` or `mnist`.
        preprocess_reason: Why this one.
    """

    files: int
    skipped: tuple[SkippedFile, ...]
    copies: int
    contradictions: int
    unlabelled: int
    sizes: tuple[SizeCount, ...]
    polarity: dict[Polarity, int]
    preprocess: str
    preprocess_reason: str

    @property
    def pictures(self) -> int:
        """How many files could be read, copies too."""
        return self.files - len(self.skipped)


@dataclass(frozen=True)
class PartSizes:
    """How many images each part of a training gets.

    Attributes:
        fit: The weights are fitted to them.
        watch: The fit is judged on them while it runs.
        calibrate: The anomaly score is calibrated on them.
        test: The figures are measured on them.
    """

    fit: int
    watch: int
    calibrate: int
    test: int


@dataclass(frozen=True)
class DataReport:
    """What a training on these digits has to work with.

    Attributes:
        name: What the source is called.
        images: How many the model would see, in all parts.
        split: Share that was set aside for the test, or None where the source has a test part of its own.
        parts: How many images each part gets.
        folder: What the folder of image files held; None for other sources.
        skipped: How many files were skipped for which reason, the most frequent first.
        ink: Quantile of the images -> share of white in them: mean pixel / 255, in [0, 1].
        almost_empty: Images with less ink than any digit of MNIST.
        almost_full: Images with more.
        duplicates: Images that are pixel for pixel like another one.
        shared: Test images that are training images too.
        classes: Digit -> how many images show it; None without labels.
        smallest_false_alarm_rate: The least that m images to calibrate on can promise: 1 / (m + 1).
        largest_threshold: m / (m + 1); a threshold above it promises nothing.
        warnings: What to look at before a training, in sentences.
    """

    name: str
    images: int
    split: float | None
    parts: PartSizes
    folder: FolderFacts | None
    skipped: dict[str, int]
    ink: dict[float, float]
    almost_empty: int
    almost_full: int
    duplicates: int
    shared: int
    classes: dict[int, int] | None
    smallest_false_alarm_rate: float
    largest_threshold: float
    warnings: tuple[str, ...] = ()
