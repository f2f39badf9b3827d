"""Measures a codec on test digits: the same figures for a live model, a SavedModel and a running service."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.evaluation.anomalies import measure_aurocs
from training.evaluation.answers import Observed, observe
from training.evaluation.figures import Codec, Images, Metrics, round_figures
from training.evaluation.measures import (
    count_dead_units,
    cross_entropy,
    false_alarm_rate,
    knn_accuracy,
    measure_pictures,
    reconstruction_error,
)
from training.evaluation.pca import measure_pca
from training.evaluation.similarity import structural_similarity
from training.evaluation.strange_sets import build_strange_sets

if TYPE_CHECKING:
    from training.data.load import DigitData

NEIGHBOURS = 5
# Per cent; the gateway's default threshold and a looser one.
_THRESHOLDS = (99, 95)


def evaluate(codec: Codec, data: "DigitData", fashion: Images | None = None, seed: int = 0) -> Metrics:
    """Measure everything that a model card holds, on the test digits.

    Args:
        codec: What is measured.
        data: Test digits, and training digits to compare them with.
        fashion: Pictures of something else, uint8 (n, 28, 28), or None.
        seed: Seed of the noises and the strange sets.

    Returns:
        Nested figures: `clean` as `mse` and `psnr_db`, `bce` (cross-entropy in nats per pixel) and `ssim`; each of
        `denoising` as `mse` and `psnr_db` against the clean image; `auroc_by_score` and `auroc_by_error` of each of the
        ten strange sets and their `mean`; `false_alarm_rate` by threshold in per cent; `dead_code_units`, the number of
        them; `pca_mse` of principal components as many as the code has units; where there are labels `mse_by_digit`
        and `knn_accuracy`; `left_out` with reasons.
    """
    strange = build_strange_sets(data.test_images, data.test_labels, fashion, seed)
    observed = observe(codec, data.test_images, strange.images, seed)
    return round_figures(measure_card(codec, data, observed)) | {"left_out": strange.left_out}


def measure_card(codec: Codec, data: "DigitData", observed: Observed) -> Metrics:
    """The figures of `evaluate`, not rounded, of answers to the test digits, the noises and the ten strange sets."""
    test = observed.test
    metrics: Metrics = {
        "clean": {
            **measure_pictures(data.test_images, test.reconstructions),
            "bce": float(cross_entropy(data.test_images, test.reconstructions).mean()),
            "ssim": float(structural_similarity(data.test_images, test.reconstructions).mean()),
        },
        "denoising": {
            name: measure_pictures(data.test_images, answer.cleaned) for name, answer in observed.denoised.items()
        },
        **measure_aurocs(test, observed.strange),
        "false_alarm_rate": {
            f"at_{percent}": false_alarm_rate(test.anomaly_scores, percent / 100) for percent in _THRESHOLDS
        },
        "dead_code_units": count_dead_units(test.codes),
        "pca_mse": measure_pca(data.train_images, data.test_images, test.codes.shape[1]),
    }
    if data.test_labels is not None:
        errors = reconstruction_error(data.test_images, test.reconstructions)
        metrics["mse_by_digit"] = _average_by_digit(errors, data.test_labels)
    if data.train_labels is not None and data.test_labels is not None:
        references = codec.encode(data.train_images)
        metrics["knn_accuracy"] = knn_accuracy(references, data.train_labels, test.codes, data.test_labels, NEIGHBOURS)
    return metrics


def _average_by_digit(errors: NDArray[np.float64], labels: NDArray[np.int64]) -> Metrics:
    """Mean error by class, for the classes that occur."""
    return {str(digit): float(errors[labels == digit].mean()) for digit in np.unique(labels)}
