"""The strange sets: a row of the table and a card with pictures for each."""

from dataclasses import dataclass

from markupsafe import Markup

from training.evaluation.evaluated import Answers, Evaluated, StrangeAnswers
from training.evaluation.figures import Metrics
from training.report.pictures import Picture, build_pictures
from training.report.scores import render_error_histogram, render_roc, render_score_histogram
from training.report.words import name_strange_set, write_share

# Examples on a card.
_EXAMPLES = 6
_GROUPS = {"ten": "The ten sets of the model card", "more": "More built-in sets", "given": "Sets that were given"}
# Below this a figure of the table is marked: one strange image in ten is taken for a digit rather than a digit itself.
_WEAK_AUROC = 0.9


@dataclass(frozen=True)
class Row:
    """A set in the table.

    Attributes:
        title: Its name.
        anchor: Where its card is.
        images: How many.
        figures: AUROC by score and by error, then what is caught at 1 % and 5 % of false alarms, each by score and by
            error; with a mark for those that are weak.
    """

    title: str
    anchor: str
    images: int
    figures: list[tuple[str, bool]]


@dataclass(frozen=True)
class Card:
    """A set in pictures.

    Attributes:
        title: Its name.
        anchor: Its place on the page.
        meaning: What it holds.
        verdict: What decides, in a sentence.
        pairs: Examples and their reconstructions.
        charts: Scores, errors, ROC curve.
    """

    title: str
    anchor: str
    meaning: str
    verdict: str
    pairs: list[tuple[Picture, Picture]]
    charts: list[Markup]


def build_rows(metrics: Metrics) -> dict[str, list[Row]]:
    """The table's rows by the title of their group; groups without sets are left out."""
    groups = metrics["anomalies"]
    return {
        title: [_build_row(name, figures) for name, figures in groups[group].items()]
        for group, title in _GROUPS.items()
        if groups.get(group)
    }


def _build_row(name: str, figures: Metrics) -> Row:
    aurocs = [figures["auroc_by_score"], figures["auroc_by_error"]]
    caught = [figures[f"tpr_by_{by}"][f"at_fpr_{percent}"] for percent in (1, 5) for by in ("score", "error")]
    cells = [(f"{auroc:.3f}", auroc < _WEAK_AUROC) for auroc in aurocs]
    cells += [(write_share(share, 1), False) for share in caught]
    return Row(name_strange_set(name).title, _anchor(name), figures["images"], cells)


def build_cards(evaluation: Evaluated) -> list[Card]:
    """A card for each set, in the order of the evaluation."""
    return [_build_card(name, found, evaluation) for name, found in evaluation.strange.items()]


def _build_card(name: str, found: StrangeAnswers, evaluation: Evaluated) -> Card:
    title, meaning = name_strange_set(name)
    normal: Answers = evaluation.test
    return Card(
        title,
        _anchor(name),
        meaning,
        _judge(next(group[name] for group in evaluation.metrics["anomalies"].values() if name in group)),
        _pair(title, found),
        [
            render_score_histogram(title, normal.anomaly_scores, found.anomaly_scores),
            render_error_histogram(title, normal.errors, found.errors),
            render_roc(title, (normal.anomaly_scores, normal.errors), (found.anomaly_scores, found.errors)),
        ],
    )


def _judge(figures: Metrics) -> str:
    better = "score" if figures["auroc_by_score"] >= figures["auroc_by_error"] else "error"
    return (
        f"AUROC {figures['auroc_by_score']:.3f} by score, {figures['auroc_by_error']:.3f} by error; at "
        f"{write_share(0.01, 0)} of false alarms the {better} catches "
        f"{write_share(figures[f'tpr_by_{better}']['at_fpr_1'], 1)}"
    )


def _pair(title: str, found: StrangeAnswers) -> list[tuple[Picture, Picture]]:
    few = slice(0, _EXAMPLES)
    numbers = range(1, len(found.examples[few]) + 1)
    examples = build_pictures(found.examples[few], [f"{title}, example {number}" for number in numbers])
    drawn = build_pictures(found.reconstructions[few], [f"{title}, reconstruction {number}" for number in numbers])
    return list(zip(examples, drawn, strict=True))


def _anchor(name: str) -> str:
    return "set-" + "".join(letter if letter.isalnum() else "-" for letter in name.lower())
