"""Publishes a copy of a version as a model's next one, unless it is worse than the newest; trains nothing."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import PromotionError
from training.promotion.comparison import Comparison, compare_versions
from training.promotion.measured import Source
from training.promotion.rules import MARGIN
from training.promotion.side_by_side import render_change, render_margin
from training.promotion.versions import Version, find_newest, hold_same_model, load_version
from training.quiet import load_tensorflow

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Promotion:
    """What should become the next version of what, and under which conditions.

    Attributes:
        candidate: A version directory; it is left as it is.
        models_root: Folder that holds `<name>/<version>`.
        name: Name of the model.
        source: What candidate and newest version are measured on; None to trust their model cards.
        margin: See `training.promotion.rules.RULE`.
        allow_code_change: Publish even if codes get another width.
    """

    candidate: Path
    models_root: Path
    name: str
    source: Source | None = None
    margin: float = MARGIN
    allow_code_change: bool = False


def promote(promotion: Promotion, show: Callable[[Comparison], None]) -> Path:
    """Compare a candidate with the newest version and publish a copy of it.

    Args:
        promotion: What, and under which conditions.
        show: Called with the comparison, before it decides; not where there is no version yet.

    Returns:
        The directory of the new version, whole and checked.

    Raises:
        PromotionError: If a figure is worse by more than the margin, or the candidate may not follow the newest
            version for another reason.
        EvaluationError: If one of the two is no version, or they cannot be compared.
        DataError: If there is nothing to measure on.
        ExportError: If the copy cannot be written or does not pass its check.
    """
    candidate = load_version(promotion.candidate)
    model_dir = promotion.models_root / promotion.name
    newest_dir = find_newest(model_dir)
    if newest_dir is None:
        _LOG.info("%s has no version yet: there is nothing to compare with", model_dir)
        comparison = None
    else:
        comparison = _compare(load_version(newest_dir), candidate, promotion)
        show(comparison)
        _refuse_worse(comparison)
    load_tensorflow()
    from training.export.publish import publish_copy
    from training.promotion.measure import ask_probe

    def confirm() -> None:
        if find_newest(model_dir) != newest_dir:
            raise PromotionError(f"another version of {model_dir} was published meanwhile; compare with it: try again")

    card, probe = _build_card(candidate, comparison), ask_probe(candidate)
    return publish_copy(candidate.directory, card, promotion.models_root, promotion.name, probe=probe, confirm=confirm)


def _compare(newest: Version, candidate: Version, promotion: Promotion) -> Comparison:
    if newest.directory.samefile(candidate.directory):
        raise PromotionError(f"{candidate.directory} is already the newest version of {promotion.name}")
    if hold_same_model(newest.directory, candidate.directory):
        raise PromotionError(f"{candidate.directory} holds the same model as {newest.directory}, the newest version")
    if newest.code_dim != candidate.code_dim and not promotion.allow_code_change:
        raise PromotionError(
            f"{candidate.directory} has codes of {candidate.code_dim} numbers, {newest.directory} of "
            f"{newest.code_dim}: codes that callers have stored would no longer fit; if there are none, use "
            "--allow-code-change"
        )
    return compare_versions(newest, candidate, promotion.source, promotion.margin)


def _refuse_worse(comparison: Comparison) -> None:
    worse = comparison.list_wins("a")
    if worse:
        raise PromotionError(
            f"{comparison.b.directory} is worse than {comparison.a.directory} by more than the margin of "
            f"{render_margin(comparison.margin)} at {', '.join(map(render_change, worse))}; nothing was published"
        )


def _build_card(candidate: Version, comparison: Comparison | None) -> dict[str, Any]:
    """The candidate's card and how it came here.

    A card says what a version is, and the copy is one that the candidate's card cannot know of: without these entries
    nobody who asks the service could tell why this model is the newest. What the training said stays as it is, word by
    word: the figures too, even where both versions were measured anew.
    """
    return {
        **candidate.card,
        "promoted_from": candidate.folder_name,
        "promotion": None if comparison is None else _summarise(comparison),
    }


def _summarise(comparison: Comparison) -> dict[str, Any]:
    return {
        "compared_with": comparison.a.folder_name,
        "figures_from": comparison.measured.where,
        "data_sha256": comparison.measured.data_sha256,
        "test_images": comparison.measured.test_images,
        "margin": comparison.margin,
        "better_beyond_margin": {
            figure.name: {"before": figure.a, "now": figure.b} for figure in comparison.list_wins("b")
        },
    }
