"""Figures of strange sets and of the calibration, against answers worked out by hand."""

import numpy as np
import pytest

from training.evaluation.anomalies import measure_aurocs, measure_calibration, measure_set
from training.evaluation.evaluated import Answers, StrangeAnswers

_NO_PICTURES = np.zeros((1, 28, 28), np.uint8)


def normal_answers(scores: "list[float]", errors: "list[float]") -> Answers:
    """Answers to clean digits."""
    numbers = (np.array(values, np.float32) for values in (errors, scores))
    return Answers(_NO_PICTURES, np.zeros((1, 2), np.float32), *numbers)


def strange_answers(scores: "list[float]", errors: "list[float]") -> StrangeAnswers:
    """Answers to a strange set."""
    return StrangeAnswers(_NO_PICTURES, _NO_PICTURES, np.array(errors, np.float32), np.array(scores, np.float32))


NORMAL = normal_answers([0.1, 0.2, 0.3, 0.4], [4, 3, 2, 1])
FOUND = strange_answers([0.5, 0.6], [0, 0])
HALF_FOUND = strange_answers([0.5, 0.0, 0.5, 0.0], [5, 5, 5, 5])


def test_every_set_is_ranked_and_counts_the_same_in_the_mean() -> None:
    """By score one set is found whole and the other by half; by error it is the other way round."""
    expected = {
        "auroc_by_score": {"found": 1.0, "half": 0.5, "mean": 0.75},
        "auroc_by_error": {"found": 0.0, "half": 1.0, "mean": 0.5},
    }

    assert expected == measure_aurocs(NORMAL, {"found": FOUND, "half": HALF_FOUND})


def test_set_has_its_size_its_ranks_and_its_detections() -> None:
    """Of four digits none may raise a false alarm at 1 % or 5 %: what is found lies above all of them."""
    expected = {
        "images": 4,
        "auroc_by_score": 0.5,
        "auroc_by_error": 1.0,
        "tpr_by_score": {"at_fpr_1": 0.5, "at_fpr_5": 0.5},
        "tpr_by_error": {"at_fpr_1": 1.0, "at_fpr_5": 1.0},
    }

    assert expected == measure_set(NORMAL, HALF_FOUND)


def test_curve_goes_up_to_what_the_calibration_promises() -> None:
    """About twenty thresholds from 0 to m / (m + 1), the usual ones among them."""
    measured = measure_calibration(np.linspace(0, 1, 10_001, dtype=np.float32), 5000)
    thresholds = [point["threshold"] for point in measured["curve"]]

    assert 5000 == measured["size"]
    assert 23 == len(thresholds)
    assert (0.0, 5000 / 5001) == (thresholds[0], thresholds[-1])
    assert {0.5, 0.9, 0.95, 0.99, 0.999} < set(thresholds)
    assert thresholds == sorted(thresholds)
    assert [1 - threshold for threshold in thresholds] == [point["promised"] for point in measured["curve"]]


def test_scores_that_keep_the_promise_lie_on_it() -> None:
    """Of uniform scores a share of 1 - threshold is above each threshold."""
    curve = measure_calibration(np.linspace(0, 1, 10_001, dtype=np.float32), 5000)["curve"]

    assert [point["promised"] for point in curve] == pytest.approx(
        [point["false_alarm_rate"] for point in curve], abs=2e-4
    )


def test_last_threshold_is_the_largest_rank_itself() -> None:
    """Scores of m / (m + 1), the largest one that is no tail, raise no alarm there, whatever m is."""
    for size in (1, 7, 999, 1234, 4999, 5000):
        largest_rank = np.full(10, np.float32(size) / np.float32(size + 1), np.float32)

        assert 0.0 == measure_calibration(largest_rank, size)["curve"][-1]["false_alarm_rate"], size


def test_unknown_calibration_ends_where_the_digits_do() -> None:
    """A hundred digits show no rate below one in a hundred."""
    measured = measure_calibration(np.linspace(0, 1, 100, dtype=np.float32), None)

    assert measured["size"] is None
    assert 100 / 101 == measured["curve"][-1]["threshold"]
