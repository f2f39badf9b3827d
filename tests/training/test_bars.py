"""`bench.evaluate` holds figures against bars and card: what is judged, what is told, and what cannot be compared."""

from typing import Any

import pytest

from bench.evaluate import BARS, find_card_differences, find_missed_bars, render_bars, render_table


def build_metrics(**changed: Any) -> dict[str, Any]:
    """Figures that hold every bar by a little, and what was changed of them by dotted name."""
    metrics: dict[str, Any] = {"left_out": {}}
    for bar in BARS:
        bound = bar.low if bar.low > float("-inf") else bar.high
        _put(metrics, bar.figure, bound)
    for figure, value in changed.items():
        _put(metrics, figure.replace("__", "."), value)
    return metrics


def _put(metrics: dict[str, Any], figure: str, value: Any) -> None:
    *path, last = figure.split(".")
    for part in path:
        metrics = metrics.setdefault(part, {})
    metrics[last] = value


def test_figure_at_its_bar_holds_it() -> None:
    """A bar is what must be reached, not passed."""
    assert [] == list(find_missed_bars(build_metrics()))
    assert f"{len(BARS)} of {len(BARS)} bars checked" == render_bars(build_metrics())


@pytest.mark.parametrize(("figure", "value"), [("clean__mse", 0.00401), ("false_alarm_rate__at_99", 0.005)])
def test_missed_bar_is_named_with_both_numbers(figure: str, value: float) -> None:
    """On either side of a bar with two bounds."""
    (missed,) = find_missed_bars(build_metrics(**{figure: value}))

    assert missed.startswith(f"{figure.replace('__', '.')} is {value:.5f}, the bar is ")


def test_mean_over_fewer_sets_is_not_judged() -> None:
    """Without clothes or labels the mean is easier or harder to reach than its bar was meant."""
    metrics = build_metrics(auroc_by_score__mean=0.5, left_out={"fashion": "none given"})

    assert [] == list(find_missed_bars(metrics))
    assert render_bars(metrics).endswith("not measured: auroc_by_score.mean")
    assert "MISSED" not in render_table(metrics, None)


def test_card_is_compared_figure_by_figure() -> None:
    """Errors to their last digits, for each digit too; what the card does not have cannot differ."""
    metrics = build_metrics(mse_by_digit={"3": 0.00302, "4": 0.003})
    card = build_metrics(mse_by_digit={"3": 0.003})

    assert ["mse_by_digit.3: measured 0.003020, the card says 0.003000"] == list(find_card_differences(metrics, card))


def test_means_over_different_sets_are_not_compared() -> None:
    """The card's is over all ten."""
    metrics = build_metrics(auroc_by_score__mean=0.5, left_out={"fashion": "none given"})

    assert [] == list(find_card_differences(metrics, build_metrics()))
