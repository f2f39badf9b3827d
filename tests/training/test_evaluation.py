"""The evaluation: every figure it promises, and the same ones for a live and a saved model."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training import corruption  # noqa: E402  # needs TensorFlow
from training.data.load import DigitData  # noqa: E402  # beside the imports below
from training.errors import EvaluationError  # noqa: E402  # beside the imports below
from training.evaluation.codecs import LiveCodec, SavedModelCodec  # noqa: E402  # needs TensorFlow
from training.evaluation.evaluate import evaluate  # noqa: E402  # needs TensorFlow
from training.evaluation.figures import (  # noqa: E402  # beside the imports above
    Reconstruction,
    flatten_metrics,
    render_metrics,
    split_rows,
)


class _PerfectCodec:
    """Returns what it got, calls the ink an anomaly and the first four pixel rows a code."""

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return images[:, ::4, ::4].reshape(len(images), -1).astype(np.float32)

    def reconstruct(self, images: NDArray[np.uint8]) -> Reconstruction:
        ink = images.mean(axis=(1, 2), dtype=np.float32) / np.float32(255)
        return Reconstruction(images, np.zeros(len(images), np.float32), ink)


@pytest.fixture(scope="module")
def few_digits(small_digits: DigitData) -> DigitData:
    """120 digits to remember, 60 to test."""
    return dataclasses.replace(
        small_digits,
        train_images=small_digits.train_images[:120],
        train_labels=None if small_digits.train_labels is None else small_digits.train_labels[:120],
        test_images=small_digits.test_images[:60],
        test_labels=None if small_digits.test_labels is None else small_digits.test_labels[:60],
    )


def test_perfect_codec_gets_the_figures_of_the_identity(few_digits: DigitData) -> None:
    """Clean error 0; each noise stays in the picture; scores and errors rank as they must."""
    metrics = evaluate(_PerfectCodec(), few_digits, fashion=few_digits.test_images[:7])

    assert 0 == metrics["clean"]["mse"]
    assert 1 == metrics["clean"]["ssim"]
    assert 0 < metrics["clean"]["bce"] < metrics["clean"]["bce"] + metrics["pca_mse"] < 0.3
    assert {str(digit): 0.0 for digit in range(10)} == metrics["mse_by_digit"]
    assert metrics["denoising"]["gaussian_25"]["mse"] < metrics["denoising"]["gaussian_50"]["mse"]
    noises = {"gaussian_25", "gaussian_50", "salt_and_pepper_20", "dropped_cells_25", "blur_1px", "block_14"}
    assert noises == set(metrics["denoising"])
    assert 1 == metrics["auroc_by_score"]["inverted"]
    assert 0 == metrics["auroc_by_score"]["blank"]
    assert {0.5} == set(metrics["auroc_by_error"].values())
    assert 11 == len(metrics["auroc_by_score"])
    assert 0 == metrics["false_alarm_rate"]["at_99"]
    assert 0.7 < metrics["knn_accuracy"] <= 1
    assert {} == metrics["left_out"]


def test_missing_labels_and_fashion_are_named(few_digits: DigitData) -> None:
    """What cannot be measured is left out with its reason, also in the table."""
    unlabelled = dataclasses.replace(few_digits, train_labels=None, test_labels=None)
    metrics = evaluate(_PerfectCodec(), unlabelled)

    assert {"fashion", "rotated_no_018", "flipped"} == set(metrics["left_out"])
    assert not {"knn_accuracy", "mse_by_digit"} & metrics.keys()
    assert "left out: the digits carry no labels" in render_metrics(metrics)


def test_noises_have_the_strengths_of_their_names(few_digits: DigitData) -> None:
    """On a grey page what a noise leaves is known: its squares, cut off at black and white."""
    page = np.full((60, 28, 28), 128, np.uint8)
    grey = 128 / 255
    normal = np.random.default_rng(0).standard_normal(1_000_000)

    measured = evaluate(_PerfectCodec(), dataclasses.replace(few_digits, test_images=page))["denoising"]

    for name, sigma in (("gaussian_25", 0.25), ("gaussian_50", 0.5)):
        noise = np.clip(grey + sigma * normal, 0, 1) - grey
        assert float(np.mean(np.square(noise))) == pytest.approx(measured[name]["mse"], rel=0.03), name
    salted = 0.2 * (grey**2 + (1 - grey) ** 2) / 2
    assert salted == pytest.approx(measured["salt_and_pepper_20"]["mse"], rel=0.03)
    assert 0.25 * grey**2 == pytest.approx(measured["dropped_cells_25"]["mse"], rel=0.1)
    assert 0.25 * grey**2 == pytest.approx(measured["block_14"]["mse"], abs=1e-6)
    assert 0 == measured["blur_1px"]["mse"]


def test_digits_of_one_class_are_measured_without_the_sets_of_others(few_digits: DigitData) -> None:
    """Ones alone make no set of turned or flipped digits; three of them are fewer than the neighbours asked for."""
    ones = dataclasses.replace(
        few_digits,
        train_images=few_digits.train_images[:3],
        train_labels=np.ones(3, np.int64),
        test_labels=np.ones(60, np.int64),
    )
    metrics = evaluate(_PerfectCodec(), ones)

    assert {"fashion", "rotated_no_018", "flipped"} == set(metrics["left_out"])
    assert "no digit is of a fitting class" == metrics["left_out"]["flipped"]
    assert 1 == metrics["knn_accuracy"]
    assert ["1"] == list(metrics["mse_by_digit"])


def test_units_that_say_nothing_are_counted(few_digits: DigitData) -> None:
    """The corner pixels of a digit, which are its first code units here, never hold ink."""
    dead = np.count_nonzero(few_digits.test_images[:, ::4, ::4].reshape(60, -1).std(axis=0) == 0)

    assert 0 < dead == evaluate(_PerfectCodec(), few_digits)["dead_code_units"]


def test_noises_stay_the_same_when_others_are_added(few_digits: DigitData) -> None:
    """The figures of published cards can be measured again: here of one of them, by its seed and place."""
    pixels = few_digits.test_images / np.float32(255)
    noisy = corruption.salt_and_pepper(pixels, 0.2, (0, 2)).numpy()
    expected = float(np.mean(np.square(np.rint(noisy * 255) / 255 - pixels)))
    measured = evaluate(_PerfectCodec(), few_digits)["denoising"]["salt_and_pepper_20"]["mse"]

    assert expected == pytest.approx(measured, abs=1e-6)


def test_saved_model_measures_as_the_live_one(
    autoencoder: Any, statistic: Any, codec: Any, few_digits: DigitData, tmp_path: Path
) -> None:
    """The figures on the card are those of the version that is served."""
    codec.save(tmp_path / "version")
    live = dict(flatten_metrics(evaluate(LiveCodec(autoencoder, statistic), few_digits)))
    saved = dict(flatten_metrics(evaluate(SavedModelCodec(tmp_path / "version"), few_digits)))

    assert live.keys() == saved.keys()
    assert list(saved.values()) == pytest.approx(list(live.values()), abs=2e-3)


def test_saved_model_decodes_its_own_codes(codec: Any, few_digits: DigitData, tmp_path: Path) -> None:
    """Decoding the code of a digit gives its reconstruction; of no codes, no pictures."""
    codec.save(tmp_path / "version")
    saved = SavedModelCodec(tmp_path / "version")
    found = saved.reconstruct(few_digits.test_images)
    decoded = saved.decode(saved.encode(few_digits.test_images))

    assert (60, 28, 28) == decoded.shape
    assert 1 >= np.abs(decoded.astype(int) - found.reconstructions).max()
    assert (0, 28, 28) == saved.decode(np.zeros((0, 8), np.float32)).shape


def test_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    """The error says what a version is."""
    with pytest.raises(EvaluationError, match=r"holds no saved_model\.pb; give a version, such as models/digits/1"):
        SavedModelCodec(tmp_path)


@pytest.mark.parametrize("damage", ["saved_model.pb", "variables/variables.data-00000-of-00001"])
def test_damaged_model_is_refused(codec: Any, tmp_path: Path, damage: str) -> None:
    """Half a file, as an interrupted copy leaves it, is no defect of ours."""
    codec.save(tmp_path / "version")
    file = tmp_path / "version" / damage
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    with pytest.raises(EvaluationError, match="version cannot be loaded: "):
        SavedModelCodec(tmp_path / "version")


def test_model_without_our_signatures_is_refused(tmp_path: Path) -> None:
    """A SavedModel of something else is named by what it lacks."""
    tf.saved_model.save(tf.Module(), str(tmp_path / "version"))

    with pytest.raises(EvaluationError, match=r"it lacks \['decode', 'encode', 'reconstruct'\]"):
        SavedModelCodec(tmp_path / "version")


def test_table_is_aligned_and_complete() -> None:
    """Every number has a line of its own, with its dotted name."""
    table = render_metrics({"clean": {"mse": 0.5}, "knn_accuracy": 1.0, "left_out": {"fashion": "none given"}})

    assert [
        "clean.mse       0.50000",
        "knn_accuracy    1.00000",
        "fashion       left out: none given",
    ] == table.splitlines()


def test_rows_are_split_in_order_and_none_is_lost() -> None:
    """The last part is as small as it must be; no rows are one empty part."""
    assert [[0, 1, 2], [3, 4]] == [part.tolist() for part in split_rows(np.arange(5), 3)]
    assert [[]] == [part.tolist() for part in split_rows(np.arange(0), 3)]
