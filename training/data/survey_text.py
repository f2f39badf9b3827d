"""The data report as text for people: a line for each fact, then one for each warning."""

from collections.abc import Iterator

from training.data.advice import cut_threshold
from training.data.facts import DataReport, FolderFacts

# Sizes of pictures that are named; crops by hand have as many sizes as pictures.
_NAMED_SIZES = 4


def render_survey(report: DataReport) -> str:
    """Aligned lines: the facts, then the warnings; without an end of line at the last."""
    facts = [] if report.folder is None else [*_describe_folder(report.folder, report.skipped)]
    facts += _describe_images(report)
    width = max(len(name) for name, _ in facts)
    lines = [f"{name:<{width}}  {text}" for name, text in facts]
    return "\n".join([*lines, *(f"warning: {warning}" for warning in report.warnings)])


def _describe_folder(folder: FolderFacts, skipped: dict[str, int]) -> Iterator[tuple[str, str]]:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in skipped.items())
    yield "files", f"{folder.files:,}; skipped: {reasons or 'none'}; exact copies: {folder.copies:,}, each used once"
    yield "sizes", _describe_sizes(folder)
    yield "polarity", ", ".join(f"{count:,} {polarity}" for polarity, count in folder.polarity.items())
    yield "preprocess", f"{folder.preprocess}, {folder.preprocess_reason}"


def _describe_sizes(folder: FolderFacts) -> str:
    named = [f"{size.width}x{size.height} ({size.pictures:,})" for size in folder.sizes[:_NAMED_SIZES]]
    more = len(folder.sizes) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def _describe_images(report: DataReport) -> Iterator[tuple[str, str]]:
    ink, parts = report.ink, report.parts
    copies = f", {report.duplicates:,} of them copies" if report.duplicates else ""
    yield "images", f"{report.images:,}{copies}"
    yield "ink", f"{ink[0.5]:.1%} of an image; from {ink[0.0]:.1%}, 1 in 100 below {ink[0.01]:.1%}"
    yield "classes", _describe_classes(report.classes)
    test = "of its own" if report.split is None else f"a share of {report.split:g} by hash"
    counts = f"{parts.fit:,} to fit, {parts.watch:,} to watch the fit, {parts.calibrate:,} to calibrate"
    yield "parts", f"{counts}, {parts.test:,} to test ({test})"
    rate, threshold = report.smallest_false_alarm_rate, cut_threshold(report.largest_threshold)
    yield "promise", f"false alarms from {rate:.2%} up, by thresholds up to {threshold}"


def _describe_classes(classes: dict[int, int] | None) -> str:
    if classes is None:
        return "no labels"
    return ", ".join(f"{digit}: {count:,}" for digit, count in classes.items())
