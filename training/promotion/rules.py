"""Which of two figures is better, and whether by more than a margin; plain numbers, knows neither files nor models."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

Side: TypeAlias = Literal["a", "b"]

MARGIN = 0.05

# As the commands tell it.
RULE = (
    "The margin M is relative. A figure is worse by more than the margin where an error (MSE, cross-entropy, 1 - SSIM) "
    "is larger by more than M of itself; where PSNR is lower by more than 10 log10(1 + M) dB, the same for the error "
    "behind it; where the misses of a share (1 - AUROC, 1 - kNN accuracy) are larger by more than M of themselves and "
    "by more than chance; where false alarms exceed their promise, 1 - threshold, further than the other version's do, "
    "by more than M of the promise and by more than chance. Chance is two standard errors of such a share among the "
    "test digits, for AUROC one. Errors of single digits, dead code units and figures that only one version has decide "
    "nothing."
)

# Weights are told apart to here; what floating point adds behind decides nothing.
_DECIMALS = 9
# An equally good version goes beyond that once in some forty times.
_STANDARD_ERRORS = 2
# An AUROC counts by degree where a share counts hit or miss: over the ten sets of MNIST its own standard error is 0.3
# to 0.8 of the share's.
_STANDARD_ERRORS_OF_AUROC = 1


@dataclass(frozen=True)
class Sample:
    """How many images the figures rest on: the fewer, the more of a difference may be chance.

    Attributes:
        test_images: On which the shares were counted, >= 1.
        calibration_size: On which scores are calibrated, of two sizes the smaller one, >= 1.
    """

    test_images: int
    calibration_size: int


@dataclass(frozen=True)
class Figure:
    """One figure of two versions.

    Attributes:
        name: Dotted, as `training.evaluation.figures.flatten_metrics` names it.
        a: The first version's, or None.
        b: The second version's, or None.
        better: Whose is better; None where they are equal, or where nothing says which.
        weight: How far they are apart, in units of what the margin allows; above 1 the figure decides.
    """

    name: str
    a: float | None
    b: float | None
    better: Side | None = None
    weight: float = 0.0

    @property
    def winner(self) -> Side | None:
        """Whose is better by more than the margin."""
        return self.better if self.weight > 1 else None


@dataclass(frozen=True)
class _Kind:
    """How figures of a kind are judged.

    Attributes:
        loss: Of a figure; the smaller one is the better one's.
        allowed: How much larger the other loss may be, given the smaller one, the margin and the sample; None for
            figures that decide nothing.
    """

    loss: Callable[[float], float]
    allowed: Callable[[float, float, Sample], float] | None


def judge_figures(a: Mapping[str, float], b: Mapping[str, float], margin: float, sample: Sample) -> tuple[Figure, ...]:
    """Judge every figure that either version has, the first one's order first.

    Args:
        a: Figures of the first version, by dotted name.
        b: Figures of the second version.
        margin: See `RULE`; >= 0.
        sample: What the figures rest on.
    """
    return tuple(_judge(name, a.get(name), b.get(name), margin, sample) for name in {**a, **b})


def _judge(name: str, a: float | None, b: float | None, margin: float, sample: Sample) -> Figure:
    kind = _find_kind(name)
    if a is None or b is None or kind is None:
        return Figure(name, a, b)
    loss_a, loss_b = _measure_loss(kind, a), _measure_loss(kind, b)
    if loss_a == loss_b:
        return Figure(name, a, b)
    weight = _weigh(kind, min(loss_a, loss_b), max(loss_a, loss_b), margin, sample)
    return Figure(name, a, b, "a" if loss_a < loss_b else "b", weight)


def _measure_loss(kind: _Kind, figure: float) -> float:
    """A figure that is no number is worse than any other."""
    return kind.loss(figure) if math.isfinite(figure) else math.inf


def _weigh(kind: _Kind, smaller: float, larger: float, margin: float, sample: Sample) -> float:
    if kind.allowed is None:
        return 0.0
    allowed = kind.allowed(smaller, margin, sample)
    return round((larger - smaller) / allowed, _DECIMALS) if allowed > 0 else math.inf


def _find_kind(name: str) -> _Kind | None:
    """None for figures of which nobody has said which direction is the better one."""
    threshold = name.removeprefix("false_alarm_rate.at_")
    if threshold != name and threshold.isdecimal() and int(threshold) < 100:
        return _build_false_alarms(1 - int(threshold) / 100)
    return next((kind for pattern, kind in _KINDS.items() if fnmatchcase(name, pattern)), None)


def _allow_share(loss: float, margin: float, _: Sample) -> float:
    return margin * loss


def _allow_decibels(_loss: float, margin: float, _: Sample) -> float:
    return 10 * math.log10(1 + margin)


def _build_hits(standard_errors: float) -> _Kind:
    """A share of hits; what counts are the misses, because near 1 they double unseen."""

    def allow(misses: float, margin: float, sample: Sample) -> float:
        return max(margin * misses, standard_errors * _estimate_error(misses, 1 / sample.test_images))

    return _Kind(lambda hits: 1 - hits, allow)


def _build_false_alarms(promise: float) -> _Kind:
    """Up to the promise every rate is as good as any other: a calibration may be careful."""

    def allow(_loss: float, margin: float, sample: Sample) -> float:
        # The calibration is a sample as well: a rate is off its promise by what both leave to chance.
        per_image = 1 / sample.test_images + 1 / sample.calibration_size
        return max(margin * promise, _STANDARD_ERRORS * _estimate_error(promise, per_image))

    return _Kind(lambda rate: max(0.0, rate - promise), allow)


def _estimate_error(share: float, per_image: float) -> float:
    """The standard error of a share, `per_image` being 1 / the number of images that it was counted on.

    With two hits and two misses added, or a share of 0 would leave nothing to chance (Agresti and Coull, Approximate is
    better than "exact" for interval estimation of binomial proportions, 1998).
    """
    share = (min(max(share, 0.0), 1.0) + 2 * per_image) / (1 + 4 * per_image)
    return math.sqrt(share * (1 - share) * per_image)


_ERROR = _Kind(float, _allow_share)
_DECIBELS = _Kind(lambda decibels: -decibels, _allow_decibels)
_SIMILARITY = _Kind(lambda similarity: 1 - similarity, _allow_share)
_HITS = _build_hits(_STANDARD_ERRORS)
_AUROC = _build_hits(_STANDARD_ERRORS_OF_AUROC)
# Few images each, and part of a mean that decides; or a symptom whose harm the errors show.
_SHOWN = _Kind(float, None)

# The direction of each figure; false alarms, whose promise is in their name, have a function of their own above.
_KINDS = {
    "clean.mse": _ERROR,
    "clean.bce": _ERROR,
    "clean.psnr_db": _DECIBELS,
    "clean.ssim": _SIMILARITY,
    "denoising.*.mse": _ERROR,
    "denoising.*.bce": _ERROR,
    "denoising.*.psnr_db": _DECIBELS,
    "denoising.*.ssim": _SIMILARITY,
    "auroc_by_score.*": _AUROC,
    "auroc_by_error.*": _AUROC,
    "knn_accuracy": _HITS,
    "mse_by_digit.*": _SHOWN,
    "dead_code_units": _SHOWN,
}
