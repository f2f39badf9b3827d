"""The handful of figures that decide, each with one plain sentence; what should worry the reader is marked."""

import math
from dataclasses import dataclass
from typing import Any

from training.evaluation.figures import Metrics
from training.report.denoising import IDENTITY, MODEL
from training.report.words import (
    name_method,
    name_noise,
    name_strange_set,
    write_count,
    write_error,
    write_psnr,
    write_share,
)

# The noise that the project's bars name first.
_NOISE = "gaussian_25"
_PROMISED = 0.01
# More standard deviations than this above what was promised are no chance.
_CHANCE = 3
# The mean over the strange sets below which the score should not be relied on.
_WEAK_MEAN = 0.95


@dataclass(frozen=True)
class Finding:
    """One figure.

    Attributes:
        label: What it is.
        value: The figure itself.
        meaning: What it means, one or two sentences.
        is_concern: Whether it should worry the reader.
    """

    label: str
    value: str
    meaning: str
    is_concern: bool = False


def build_findings(metrics: Metrics, card: dict[str, Any], test_images: int) -> list[Finding]:
    """What decides, the most basic first.

    Args:
        metrics: See `training.evaluation.evaluated.Evaluated`.
        card: The model card, or an empty one.
        test_images: How many digits all of it was measured on.
    """
    findings = [
        _judge_error(metrics["clean"]["mse"], metrics["pca_mse"]),
        _judge_denoising(metrics["denoising_table"]["noises"][_NOISE], card),
        _judge_anomalies(metrics["auroc_by_score"]),
        _judge_alarms(metrics["false_alarm_rate"]["at_99"], test_images, metrics["calibration"]["size"]),
        _judge_units(metrics["dead_code_units"], card),
    ]
    if "knn_accuracy" in metrics:
        findings.insert(-1, _judge_neighbours(metrics["knn_accuracy"]))
    return findings


def _judge_error(error: float, floor: float) -> Finding:
    is_concern = error >= floor
    if is_concern:
        meaning = (
            f"No better than the {write_error(floor)} that a principal component analysis of the same width leaves: "
            "the network has learned nothing useful."
        )
    else:
        meaning = (
            "The mean squared difference of a pixel, black 0 and white 1. A principal component analysis of the same "
            f"width leaves {write_error(floor)}, {floor / max(error, 1e-9):.1f} times as much."
        )
    return Finding("Error on clean digits", write_error(error), meaning, is_concern)


def _judge_denoising(compared: Metrics, card: dict[str, Any]) -> Finding:
    methods, best = compared["methods"], compared["best_classical"]
    nothing, rival = (write_psnr(methods[name]["psnr_db"]) for name in (IDENTITY, best))
    meaning = (
        f"After {name_noise(_NOISE).meaning}. Doing nothing leaves {nothing}, the best classical method, "
        f"{name_method(best)}, reaches {rival}."
    )
    saw_noise = bool(card.get("recipe", {}).get("fit", {}).get("corruption"))
    if not saw_noise:
        meaning += " This model was never shown noise." if card else ""
    is_concern = saw_noise and compared["ratio_to_best_classical"] >= 1
    return Finding("Cleaning", write_psnr(methods[MODEL]["psnr_db"]), meaning, is_concern)


def _judge_anomalies(auroc_by_score: Metrics) -> Finding:
    by_set = {name: auroc for name, auroc in auroc_by_score.items() if name != "mean"}
    mean, hardest = auroc_by_score["mean"], min(by_set, key=by_set.__getitem__)
    meaning = (
        f"Mean AUROC over {write_count(len(by_set), 'set')}: of a strange image and a digit, the strange one has the "
        f"higher score in {write_share(mean, 1)} of all pairs. Hardest: {name_strange_set(hardest).title.lower()}, "
        f"{by_set[hardest]:.3f}."
    )
    return Finding("Strange images told apart", f"{mean:.3f}", meaning, mean < _WEAK_MEAN)


def _judge_alarms(measured: float, test_images: int, calibration_size: int | None) -> Finding:
    sampling = 1 / test_images + (1 / calibration_size if calibration_size else 0)
    is_concern = measured > _PROMISED + _CHANCE * math.sqrt(_PROMISED * (1 - _PROMISED) * sampling)
    meaning = f"Normal digits above the default threshold of 0.99. At most {write_share(_PROMISED, 0)} was promised"
    meaning += "; chance alone does not explain so many." if is_concern else ", give or take chance."
    return Finding("False alarms", write_share(measured), meaning, is_concern)


def _judge_neighbours(accuracy: float) -> Finding:
    meaning = "Test digits that are of the class of most of their five nearest training codes: like lies by like."
    return Finding("Nearest codes agree", write_share(accuracy, 1), meaning)


def _judge_units(dead: int, card: dict[str, Any]) -> Finding:
    width = f" of {card['code_dim']}" if "code_dim" in card else ""
    if not dead:
        return Finding("Dead units", f"0{width}", "Every unit of the code is used.")
    meaning = "Units of the code that say the same of every digit: capacity that is paid for and not used."
    return Finding("Dead units", f"{dead}{width}", meaning, is_concern=True)
