"""What to look at before a training: the data report's facts -> warnings in plain sentences."""

import math
from collections.abc import Callable, Iterator

from training.data.facts import DataReport, FolderFacts, PartSizes, Polarity
from training.data.readers import SIDE

# Below it the score is calibrated on fewer than 90 images, and chance shows in every figure.
_FEW_IMAGES = 500
# The threshold that a service has where nobody gives another; and one that people choose next.
_DEFAULT_THRESHOLD, _LOWER_THRESHOLD = 0.99, 0.95
# Of each kind, what a good source has now and then.
_SOME_COPIES, _SOME_SKIPPED, _SOME_UNCLEAR, _SOME_OTHER_SIZES = 0.05, 0.05, 0.05, 0.05
_SOME_OTHER_POLARITY = 0.01


def find_warnings(report: DataReport) -> Iterator[str]:
    """Every warning that the report gives reason to, the weightiest first."""
    for find in (_judge_size, _judge_copies, _judge_ink, _judge_classes):
        yield from find(report)
    if report.folder is not None:
        for judge in _FOLDER_JUDGES:
            yield from judge(report.folder)


def _judge_size(report: DataReport) -> Iterator[str]:
    calibrate = report.parts.calibrate
    is_promised = report.largest_threshold >= _DEFAULT_THRESHOLD
    if report.images >= _FEW_IMAGES and is_promised:
        return
    few = f"{report.images:,} images are few: " if report.images < _FEW_IMAGES else ""
    default = "" if is_promised else f", and so does the default {_DEFAULT_THRESHOLD}"
    yield (
        f"{few}the score is calibrated on {calibrate:,} images, so the smallest false-alarm rate that it can promise "
        f"is 1 in {calibrate + 1:,} ({report.smallest_false_alarm_rate:.1%}); "
        f"a threshold above {cut_threshold(report.largest_threshold)} promises nothing{default}"
    )
    if report.largest_threshold >= _LOWER_THRESHOLD:
        low, high = _find_chance(1 - _LOWER_THRESHOLD, report.parts)
        yield (
            f"with {calibrate:,} images to calibrate on, chance has its part: "
            f"a threshold of {_LOWER_THRESHOLD} may give anything from {low:.0%} to {high:.0%} of false alarms"
        )


def _find_chance(rate: float, parts: PartSizes) -> tuple[float, float]:
    """Between which rates a promised one comes out, in nineteen of twenty calibrations.

    The rate that a calibration has in truth follows a beta distribution with the promised one as its mean
    (Vovk, Conditional validity of inductive conformal predictors, 2012); here as two standard deviations.
    """
    deviation = math.sqrt(rate * (1 - rate) / (parts.calibrate + 2))
    return max(0.0, rate - 2 * deviation), rate + 2 * deviation


def cut_threshold(threshold: float) -> str:
    """A threshold with four digits, rounded down: what is printed keeps the promise."""
    return f"{math.floor(threshold * 10_000) / 10_000:.4f}"


def _judge_copies(report: DataReport) -> Iterator[str]:
    folder = report.folder
    if folder is not None and folder.copies > folder.pictures * _SOME_COPIES:
        yield (
            f"{folder.copies:,} of {folder.pictures:,} pictures are exact copies of others; "
            f"each is used once, so {report.images:,} images are left"
        )
    if report.duplicates > report.images * _SOME_COPIES:
        yield (
            f"{report.duplicates:,} of {report.images:,} images are exact copies of others: "
            "the fit and the calibration count them as if they were different digits"
        )
    if report.shared:
        yield f"{report.shared:,} test images are training images too: the figures will flatter the model"


def _judge_ink(report: DataReport) -> Iterator[str]:
    if report.almost_empty:
        yield f"{report.almost_empty:,} images are almost empty: specks, or strokes thinner than any of MNIST's"
    if report.almost_full:
        yield f"{report.almost_full:,} images are more than half ink: blots or frames, or ink and paper are exchanged"


def _judge_classes(report: DataReport) -> Iterator[str]:
    if report.classes is None:
        return
    absent = [str(digit) for digit in range(10) if digit not in report.classes]
    if len(report.classes) == 1:
        (only,) = report.classes
        yield f"all images show the digit {only}: a model of it will call every other digit strange"
    elif absent:
        yield f"no image shows {', '.join(absent)}: a model of the other digits will call these strange"


def _judge_polarity(folder: FolderFacts) -> Iterator[str]:
    dark, light = folder.polarity[Polarity.DARK_ON_LIGHT], folder.polarity[Polarity.LIGHT_ON_DARK]
    if folder.preprocess == "strict" and dark > light:
        yield (
            f"{dark:,} of {folder.pictures:,} pictures are dark on light, and 'strict' takes them as they are: "
            "expected ink bright on dark; --preprocess mnist takes both"
        )
    elif min(dark, light) > folder.pictures * _SOME_OTHER_POLARITY:
        is_turned = folder.preprocess == "mnist"
        done = "each is turned to bright ink by its border" if is_turned else "all are taken as they are"
        yield f"the polarity is mixed, {dark:,} dark on light and {light:,} light on dark: {done}; look at the sheet"
    unclear = folder.polarity[Polarity.UNCLEAR]
    if unclear > folder.pictures * _SOME_UNCLEAR:
        yield (
            f"the border of {unclear:,} of {folder.pictures:,} pictures is neither light nor dark: "
            "with more margin around a digit its paper is known for certain"
        )


def _judge_sizes(folder: FolderFacts) -> Iterator[str]:
    as_they_are = sum(size.pictures for size in folder.sizes if (size.width, size.height) == (SIDE, SIDE))
    if folder.preprocess == "mnist" and folder.pictures > as_they_are > folder.pictures * (1 - _SOME_OTHER_SIZES):
        yield (
            f"{as_they_are:,} of {folder.pictures:,} pictures are {SIDE}x{SIDE} already, and 'mnist' draws them anew: "
            "--preprocess strict takes them as they are and skips the others"
        )


def _judge_skipped(folder: FolderFacts) -> Iterator[str]:
    if len(folder.skipped) > folder.files * _SOME_SKIPPED:
        yield f"{len(folder.skipped):,} of {folder.files:,} files gave no image"


def _judge_labels(folder: FolderFacts) -> Iterator[str]:
    used = folder.pictures - folder.copies
    if 0 < folder.unlabelled < used:
        yield (
            f"{folder.unlabelled:,} of {used:,} images lie in a folder that no digit names, so none of them has a label"
        )
    if folder.contradictions:
        yield f"{folder.contradictions:,} exact copies lie in the folder of another digit; the first label is kept"


_FOLDER_JUDGES: tuple[Callable[[FolderFacts], Iterator[str]], ...] = (
    _judge_polarity,
    _judge_sizes,
    _judge_skipped,
    _judge_labels,
)
