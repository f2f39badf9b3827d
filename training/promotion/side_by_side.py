"""Shows a comparison: as tables and a sentence for people, as values for JSON; decides nothing but the words."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from training.promotion.comparison import Comparison
from training.promotion.rules import Figure, Side
from training.promotion.versions import Version

# Figures that a sentence names; the table has the others.
_MOST_NAMED = 4

_FACTS: dict[str, Callable[[Version], str]] = {
    "version": lambda version: str(version.directory),
    "recipe": lambda version: version.recipe,
    "code width": lambda version: str(version.code_dim),
    "parameters": lambda version: f"{version.parameters:,}",
    "data": lambda version: version.data_label,
    "seed": lambda version: str(version.seed),
    "calibrated on": lambda version: f"{version.calibration_size:,}",
    "size on disk": lambda version: f"{version.size_bytes / 1e6:.2f} MB",
}


class Verdict(NamedTuple):
    """What a comparison comes to.

    Attributes:
        ship: The version to ship; None where neither is the better one.
        why: A sentence for people.
    """

    ship: Side | None
    why: str


def conclude(comparison: Comparison) -> Verdict:
    """The version to ship: the one that is better by more than the margin somewhere, and worse by that nowhere."""
    wins_a, wins_b = comparison.list_wins("a"), comparison.list_wins("b")
    margin = f"the margin of {render_margin(comparison.margin)}"
    if wins_a and wins_b:
        better_at = f"A is better at {_name_wins(wins_a)}; B is better at {_name_wins(wins_b)}"
        return Verdict(None, f"no clear winner: {better_at}")
    if not wins_a and not wins_b:
        return Verdict(None, f"no clear winner: no figure differs by more than {margin}{_name_smaller(comparison)}")
    side: Side = "a" if wins_a else "b"
    version = comparison.a if wins_a else comparison.b
    why = f"it is better at {_name_wins(wins_a or wins_b)}, and worse by more than {margin} at nothing"
    return Verdict(side, f"ship {side.upper()}, {version.directory}: {why}")


def render_comparison(comparison: Comparison) -> str:
    """Both versions, every figure, and what to ship."""
    facts = [("", "A", "B")]
    facts += [(name, tell(comparison.a), tell(comparison.b)) for name, tell in _FACTS.items()]
    head = f"figures of {comparison.measured.where}, {comparison.measured.test_images:,} test digits"
    figures = [("figure", "A", "B", "B - A", "better")]
    figures += [_render_figure(figure) for figure in comparison.figures]
    lines = [*_align(facts, "<<<"), "", head, *_align(figures, "<>>><")]
    lines += [f"in brackets: within the margin of {render_margin(comparison.margin)}, or a figure that decides nothing"]
    lines += ["", *(f"note: {note}" for note in comparison.notes), conclude(comparison).why]
    return "\n".join(lines)


def describe_comparison(comparison: Comparison) -> dict[str, Any]:
    """The same as values that JSON can hold; a figure that is no number is null."""
    verdict = conclude(comparison)
    return {
        "a": _describe_version(comparison.a),
        "b": _describe_version(comparison.b),
        "figures_from": comparison.measured.where,
        "data_sha256": comparison.measured.data_sha256,
        "test_images": comparison.measured.test_images,
        "margin": comparison.margin,
        "figures": [_describe_figure(figure) for figure in comparison.figures],
        "notes": list(comparison.notes),
        "ship": verdict.ship,
        "why": verdict.why,
    }


def render_margin(margin: float) -> str:
    """0.05 -> 5 %."""
    return f"{100 * margin:g} %"


def render_change(figure: Figure) -> str:
    """The name of a figure, and both values."""
    return f"{figure.name} ({_render_number(figure.a)} -> {_render_number(figure.b)})"


def _name_wins(figures: Sequence[Figure]) -> str:
    rest = len(figures) - _MOST_NAMED
    return ", ".join(map(_render_win, figures[:_MOST_NAMED])) + (f" and {rest} more" if rest > 0 else "")


def _name_smaller(comparison: Comparison) -> str:
    """What speaks for one of two equally good versions."""
    a, b = comparison.a.parameters, comparison.b.parameters
    return "" if a == b else f"; {'A' if a < b else 'B'} has fewer parameters"


def _render_win(figure: Figure) -> str:
    better, worse = (figure.a, figure.b) if figure.better == "a" else (figure.b, figure.a)
    return f"{figure.name} ({_render_number(better)} against {_render_number(worse)})"


def _render_figure(figure: Figure) -> tuple[str, str, str, str, str]:
    difference = _find_difference(figure)
    return (
        figure.name,
        _render_number(figure.a),
        _render_number(figure.b),
        "" if difference is None else f"{difference:+.5f}",
        _render_better(figure),
    )


def _render_better(figure: Figure) -> str:
    if figure.better is None:
        return ""
    return figure.better.upper() if figure.winner else f"({figure.better.upper()})"


def _render_number(number: float | None) -> str:
    return "-" if number is None else f"{number:.5f}"


def _find_difference(figure: Figure) -> float | None:
    return None if figure.a is None or figure.b is None else round(figure.b - figure.a, 9)


def _align(rows: Sequence[tuple[str, ...]], sides: str) -> list[str]:
    """Columns two spaces apart, each to its side."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
        for row in rows
    ]


def _describe_version(version: Version) -> dict[str, Any]:
    return {
        "directory": str(version.directory),
        "recipe": version.recipe,
        "code_dim": version.code_dim,
        "parameters": version.parameters,
        "data": {"name": version.data_name, "sha256": version.data_sha256},
        "seed": version.seed,
        "calibration_size": version.calibration_size,
        "size_bytes": version.size_bytes,
    }


def _describe_figure(figure: Figure) -> dict[str, Any]:
    numbers = {"a": figure.a, "b": figure.b, "difference": _find_difference(figure)}
    return {
        "name": figure.name,
        **{name: number if number is not None and math.isfinite(number) else None for name, number in numbers.items()},
        "better": figure.better,
        "beyond_margin": figure.winner is not None,
    }
