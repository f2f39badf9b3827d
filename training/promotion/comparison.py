"""Two versions held against each other on equal terms; prints nothing, publishes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

from training.promotion.measured import Measured, Source, take_from_cards
from training.promotion.rules import Figure, Sample, Side, judge_figures
from training.promotion.versions import Version
from training.quiet import load_tensorflow


@dataclass(frozen=True)
class Comparison:
    """Two versions, judged.

    Attributes:
        a: The first version; of a promotion the published one.
        b: The second version; of a promotion the candidate.
        measured: Their figures.
        margin: By how much more a figure must be worse to decide; see `training.promotion.rules.RULE`.
        figures: Every figure of either version.
        notes: What else one should know before one replaces the other.
    """

    a: Version
    b: Version
    measured: Measured
    margin: float
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]

    def list_wins(self, side: Side) -> list[Figure]:
        """The figures in which one side is better by more than the margin, the clearest first."""
        return sorted((figure for figure in self.figures if figure.winner == side), key=lambda each: -each.weight)


def compare_versions(a: Version, b: Version, source: Source | None, margin: float) -> Comparison:
    """Judge two versions by figures that were measured alike.

    Args:
        a: The first version.
        b: The second version.
        source: What both are measured on; None to trust their model cards.
        margin: See `training.promotion.rules.RULE`; >= 0.

    Raises:
        EvaluationError: If the cards were not measured alike, or a version cannot be measured.
        DataError: If there is nothing to measure on.
    """
    measured = take_from_cards(a, b) if source is None else _measure(a, b, source)
    sample = Sample(measured.test_images, min(a.calibration_size, b.calibration_size))
    figures = judge_figures(measured.a, measured.b, margin, sample)
    return Comparison(a, b, measured, margin, figures, tuple(_note(a, b, measured)))


def _measure(a: Version, b: Version, source: Source) -> Measured:
    load_tensorflow()
    from training.promotion.measure import measure_alike

    return measure_alike(a, b, source)


def _note(a: Version, b: Version, measured: Measured) -> Iterator[str]:
    if a.code_dim != b.code_dim:
        yield f"codes of {a.code_dim} and of {b.code_dim} numbers: stored codes of the one do not fit the other"
    for version in (a, b):
        if version.data_sha256 != measured.data_sha256:
            yield f"{version.directory} was trained on other digits, {version.data_label}; it may have seen these"
