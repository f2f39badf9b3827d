"""Measures a codec on test digits: the same figures for a live model, a SavedModel and a running service."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from training import corruption
from training.anomaly.statistic import AnomalyStatistic
from training.evaluation.figures import Codec, Floats, Images, Metrics, Reconstruction, split_rows
from training.evaluation.measures import auroc, false_alarm_rate, knn_accuracy, mean_psnr_db, reconstruction_error
from training.evaluation.strange_sets import StrangeSets, build_strange_sets
from training.export.signatures import ServedCodec

if TYPE_CHECKING:
    from training.data.load import DigitData
    from training.networks.autoencoder import Autoencoder

NEIGHBOURS = 5
# Per cent; the gateway's default threshold and a looser one.
_THRESHOLDS = (99, 95)
_BATCH_ROWS = 1000

# What is done to the test digits, by name; each strength is the one that the bars name.
_NOISES: dict[str, Callable[[Any, Any], Any]] = {
    "gaussian_25": lambda images, seed: corruption.gaussian(images, 0.25, seed),
    "gaussian_50": lambda images, seed: corruption.gaussian(images, 0.5, seed),
    "salt_and_pepper_20": lambda images, seed: corruption.salt_and_pepper(images, 0.2, seed),
    "dropped_cells_25": lambda images, seed: corruption.dropped_cells(images, 0.25, seed),
    "blur_1px": lambda images, _: corruption.blur(images, 1.0),
}


class SignatureCodec:
    """A codec that calls the signatures of contract one, a batch at a time."""

    def __init__(self, encode: Callable[..., Any], reconstruct: Callable[..., Any]) -> None:
        self._encode = encode
        self._reconstruct = reconstruct

    def encode(self, images: Images) -> Floats:
        """Codes of images; see `Codec`."""
        answers = [self._encode(images=tf.constant(batch)) for batch in split_rows(images, _BATCH_ROWS)]
        return np.concatenate([answer["codes"].numpy() for answer in answers])

    def reconstruct(self, images: Images) -> Reconstruction:
        """Reconstructions of images; see `Codec`."""
        answers = [self._reconstruct(images=tf.constant(batch)) for batch in split_rows(images, _BATCH_ROWS)]
        return Reconstruction(
            *(np.concatenate([answer[name].numpy() for answer in answers]) for name in Reconstruction._fields)
        )


class LiveCodec(SignatureCodec):
    """A model that was just trained."""

    def __init__(self, autoencoder: "Autoencoder", statistic: AnomalyStatistic) -> None:
        served = ServedCodec(autoencoder, statistic)
        super().__init__(served.encode, served.reconstruct)


class SavedModelCodec(SignatureCodec):
    """A published version, by its directory."""

    def __init__(self, version_dir: Path) -> None:
        self._loaded = tf.saved_model.load(str(version_dir))  # its variables live as long as it is referenced
        super().__init__(self._loaded.signatures["encode"], self._loaded.signatures["reconstruct"])


def evaluate(codec: Codec, data: "DigitData", fashion: Images | None = None, seed: int = 0) -> Metrics:
    """Measure everything that a model card holds, on the test digits.

    Args:
        codec: What is measured.
        data: Test digits; with labels also the nearest neighbours among its training digits are tried.
        fashion: Pictures of something else, uint8 (n, 28, 28), or None.
        seed: Seed of the noises and the strange sets.

    Returns:
        Nested figures: `clean` and each of `denoising` as `mse` and `psnr_db` against the clean image;
        `auroc_by_score` and `auroc_by_error` of each strange set and their `mean`; `false_alarm_rate` by
        threshold in per cent; `knn_accuracy` where there are labels; `left_out` with reasons.
    """
    strange = build_strange_sets(data.test_images, data.test_labels, fashion, seed)
    with tqdm(total=2 + len(_NOISES) + len(strange.images), desc="measuring", disable=None, leave=False) as bar:
        clean = codec.reconstruct(data.test_images)
        bar.update()
        metrics: Metrics = {
            "clean": _measure_pictures(data.test_images, clean.reconstructions),
            "denoising": _measure_denoising(codec, data.test_images, seed, bar),
            **_measure_anomalies(codec, clean, strange, bar),
            "false_alarm_rate": {
                f"at_{percent}": false_alarm_rate(clean.anomaly_scores, percent / 100) for percent in _THRESHOLDS
            },
        }
        if data.train_labels is not None and data.test_labels is not None:
            metrics["knn_accuracy"] = _measure_codes(codec, data)
        bar.update()
    return _round(metrics) | {"left_out": strange.left_out}


def _round(figures: Metrics) -> Metrics:
    """Six decimals: more than the test digits can tell apart, few enough to read on a card."""
    return {name: _round(figure) if isinstance(figure, dict) else round(figure, 6) for name, figure in figures.items()}


def _measure_pictures(images: Images, reconstructions: Images) -> Metrics:
    errors = reconstruction_error(images, reconstructions)
    return {"mse": float(errors.mean()), "psnr_db": mean_psnr_db(errors)}


def _measure_denoising(codec: Codec, images: Images, seed: int, bar: "tqdm[Any]") -> Metrics:
    measured = {}
    for place, (name, corrupt) in enumerate(_NOISES.items()):
        noisy = corrupt_images(images, corrupt, np.array([seed, place], np.int32))
        measured[name] = _measure_pictures(images, codec.reconstruct(noisy).reconstructions)
        bar.update()
    return measured


def corrupt_images(images: Images, corrupt: Callable[[Any, Any], Any], seed: NDArray[np.int32]) -> Images:
    """Apply one noise to uint8 images (n, 28, 28) and round, as a camera would deliver them."""
    noisy = corrupt(tf.cast(images, tf.float32) / 255.0, seed)
    return np.asarray(np.rint(noisy.numpy() * 255.0), dtype=np.uint8)


def _measure_anomalies(codec: Codec, clean: Reconstruction, strange: StrangeSets, bar: "tqdm[Any]") -> Metrics:
    by_score, by_error = {}, {}
    for name, images in strange.images.items():
        found = codec.reconstruct(images)
        by_score[name] = auroc(clean.anomaly_scores, found.anomaly_scores)
        by_error[name] = auroc(clean.errors, found.errors)
        bar.update()
    return {
        "auroc_by_score": {**by_score, "mean": float(np.mean(list(by_score.values())))},
        "auroc_by_error": {**by_error, "mean": float(np.mean(list(by_error.values())))},
    }


def _measure_codes(codec: Codec, data: "DigitData") -> float:
    """Nearest neighbours of the test codes among those of all training digits."""
    assert data.train_labels is not None  # noqa: S101  # the caller looked; mypy cannot see it
    assert data.test_labels is not None  # noqa: S101  # the same
    return knn_accuracy(
        codec.encode(data.train_images),
        data.train_labels,
        codec.encode(data.test_images),
        data.test_labels,
        NEIGHBOURS,
    )
