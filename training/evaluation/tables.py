"""A full evaluation as text: the figures of a model card, and a table each of sets, noises and thresholds."""

from collections.abc import Iterator, Sequence

from training.evaluation.figures import Metrics, render_metrics

# What has a table of its own.
_TABLES = ("auroc_by_score", "auroc_by_error", "denoising", "anomalies", "calibration", "denoising_table")
_MEANS = ("auroc_by_score", "auroc_by_error")


def render_evaluation(metrics: Metrics) -> str:
    """All figures of `training.evaluation.evaluated.Evaluated`, to be read in a terminal 120 columns wide."""
    figures = {name: figure for name, figure in metrics.items() if name not in _TABLES}
    means = {name: {"mean": metrics[name]["mean"]} for name in _MEANS}
    table = metrics["denoising_table"]
    cleaning = (
        f"cleaning: mean squared error on {table['images']} test digits, tuned on {table['tuning_images']} others"
    )
    parts = [
        render_metrics({**means, **figures}),
        f"strange sets: AUROC, and share found at 1 % and 5 % false alarms\n{_align(_list_sets(metrics['anomalies']))}",
        f"{cleaning}\n{_align(_list_noises(table['noises']))}",
        f"false alarms\n{_align(_list_thresholds(metrics['calibration']['curve']))}",
    ]
    return "\n\n".join(parts)


def _list_sets(anomalies: Metrics) -> Iterator[Sequence[str]]:
    yield "set", "images", "by score", "at 1 %", "at 5 %", "by error", "at 1 %", "at 5 %"
    for kind in anomalies.values():
        for name, found in kind.items():
            figures = [
                figure
                for by in ("score", "error")
                for figure in (found[f"auroc_by_{by}"], *found[f"tpr_by_{by}"].values())
            ]
            yield name, str(found["images"]), *(f"{figure:.4f}" for figure in figures)


def _list_noises(noises: Metrics) -> Iterator[Sequence[str]]:
    methods = next(iter(noises.values()))["methods"]
    yield "noise", *methods, "ratio to the best"
    for name, row in noises.items():
        errors = [f"{figures['mse']:.5f}" for figures in row["methods"].values()]
        yield name, *errors, f"{row['ratio_to_best_classical']:.2f} of {row['best_classical']}"


def _list_thresholds(curve: Sequence[Metrics]) -> Iterator[Sequence[str]]:
    yield "threshold", "promised", "measured"
    for point in curve:
        yield tuple(f"{point[key]:.5f}" for key in ("threshold", "promised", "false_alarm_rate"))


def _align(rows: Iterator[Sequence[str]]) -> str:
    """Names to the left, numbers to the right."""
    table = list(rows)
    first, *others = (max(map(len, column)) for column in zip(*table, strict=True))
    lines = []
    for name, *cells in table:
        numbers = [cell.rjust(width) for cell, width in zip(cells, others, strict=True)]
        lines.append("  ".join([name.ljust(first), *numbers]))
    return "\n".join(lines)
