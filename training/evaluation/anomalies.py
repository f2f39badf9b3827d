"""How well a codec tells strange images from digits, and what its scores promise; pure figures of its answers."""

from collections.abc import Mapping

import numpy as np

from training.evaluation.evaluated import Answers, StrangeAnswers
from training.evaluation.figures import Floats, Metrics
from training.evaluation.measures import auroc, detection_rate, false_alarm_rate

# Per cent of false alarms at which detections are counted.
_FALSE_ALARMS = (1, 5)
# Distances of the curve's thresholds from 1, in each power of ten: round numbers, about evenly spread.
_STEPS = (1.0, 0.7, 0.5, 0.3, 0.2, 0.15)
_CLEARLY_MORE = 1.1


def measure_aurocs(test: Answers, strange: Mapping[str, StrangeAnswers]) -> Metrics:
    """`auroc_by_score` and `auroc_by_error` of each set, and their `mean`."""
    by_score = {name: auroc(test.anomaly_scores, found.anomaly_scores) for name, found in strange.items()}
    by_error = {name: auroc(test.errors, found.errors) for name, found in strange.items()}
    return {
        "auroc_by_score": {**by_score, "mean": float(np.mean(list(by_score.values())))},
        "auroc_by_error": {**by_error, "mean": float(np.mean(list(by_error.values())))},
    }


def measure_set(test: Answers, found: StrangeAnswers) -> Metrics:
    """`images`, AUROC and detection rates of one set; see `training.evaluation.evaluated.Evaluated`."""
    return {
        "images": len(found.errors),
        "auroc_by_score": auroc(test.anomaly_scores, found.anomaly_scores),
        "auroc_by_error": auroc(test.errors, found.errors),
        "tpr_by_score": _measure_detections(test.anomaly_scores, found.anomaly_scores),
        "tpr_by_error": _measure_detections(test.errors, found.errors),
    }


def _measure_detections(normal: Floats, strange: Floats) -> Metrics:
    return {f"at_fpr_{percent}": detection_rate(normal, strange, percent / 100) for percent in _FALSE_ALARMS}


def measure_calibration(anomaly_scores: Floats, calibration_size: int | None) -> Metrics:
    """False alarms against the threshold, and what was promised.

    Args:
        anomaly_scores: Of clean digits, float32 (n,), n >= 1.
        calibration_size: How many images calibrated the scores, m >= 1: the promise goes up to a threshold of
            m / (m + 1). None if nobody knows; the curve then ends where n digits can still show a false alarm.

    Returns:
        `size` and `curve`; see `training.evaluation.evaluated.Evaluated`. The closer to 1, the denser the thresholds.
    """
    finest = len(anomaly_scores) if calibration_size is None else calibration_size
    curve = [
        {
            "threshold": threshold,
            "promised": 1 - threshold,
            "false_alarm_rate": false_alarm_rate(anomaly_scores, threshold),
        }
        for threshold in _list_thresholds(finest)
    ]
    return {"size": calibration_size, "curve": curve}


def _list_thresholds(size: int) -> list[float]:
    """From 0 to size / (size + 1), which is the last one: a rank is this quotient, to the last bit."""
    powers = range(len(str(size + 1)))
    distances = [step / 10**power for power in powers for step in _STEPS]
    # None so close to the last one that a table shows both as one number.
    round_ones = [round(1 - distance, 12) for distance in distances if distance * (size + 1) > _CLEARLY_MORE]
    return [*round_ones, size / (size + 1)]
