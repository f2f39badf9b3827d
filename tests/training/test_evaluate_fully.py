"""The full evaluation: the card's figures, the tables beside them, and the answers that pictures are drawn from."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.data.load import DigitData  # noqa: E402  # beside the imports below
from training.errors import EvaluationError  # noqa: E402  # beside the imports below
from training.evaluation.answers import choose_examples  # noqa: E402  # needs TensorFlow
from training.evaluation.evaluate import evaluate  # noqa: E402  # needs TensorFlow
from training.evaluation.evaluated import Evaluated  # noqa: E402  # beside the imports above
from training.evaluation.figures import Reconstruction  # noqa: E402  # beside the imports above
from training.evaluation.full import evaluate_fully  # noqa: E402  # needs TensorFlow
from training.evaluation.given_sets import GivenSets  # noqa: E402  # beside the imports above
from training.evaluation.tables import render_evaluation  # noqa: E402  # beside the imports above

NOISES = ["gaussian_25", "gaussian_50", "salt_and_pepper_20", "dropped_cells_25", "blur_1px", "block_14"]
MORE = ["scaled", "translated", "blurred", "shot_noise", "strokes"]


class _DimmingCodec:
    """Halves every grey level, and calls the ink an anomaly."""

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return images[:, ::4, ::4].reshape(len(images), -1).astype(np.float32)

    def reconstruct(self, images: NDArray[np.uint8]) -> Reconstruction:
        ink = images.mean(axis=(1, 2), dtype=np.float32) / np.float32(255)
        return Reconstruction(images // 2, ink / 4, ink)


@pytest.fixture(scope="module")
def few_digits(small_digits: DigitData) -> DigitData:
    """So few that even the slow classical methods take seconds: 8 to tune on, 30 to test."""
    return dataclasses.replace(
        small_digits,
        train_images=small_digits.train_images[:8],
        train_labels=None if small_digits.train_labels is None else small_digits.train_labels[:8],
        test_images=small_digits.test_images[:30],
        test_labels=None if small_digits.test_labels is None else small_digits.test_labels[:30],
    )


@pytest.fixture(scope="module")
def given(few_digits: DigitData) -> GivenSets:
    """Clothes that are white pages, and a set of the user's of twelve black ones."""
    return GivenSets(np.full((5, 28, 28), 255, np.uint8), {"forms": np.zeros((12, 28, 28), np.uint8)})


@pytest.fixture(scope="module")
def evaluated(few_digits: DigitData, given: GivenSets) -> Evaluated:
    """One full evaluation for all tests."""
    return evaluate_fully(_DimmingCodec(), few_digits, given, calibration_size=99, seed=3)


def test_figures_of_the_card_are_the_same(evaluated: Evaluated, few_digits: DigitData, given: GivenSets) -> None:
    """What `evaluate` measures is not changed by what is measured beside it."""
    card = evaluate(_DimmingCodec(), few_digits, given.fashion, seed=3)

    assert card == {name: evaluated.metrics[name] for name in card}
    assert {"anomalies", "calibration", "denoising_table"} == evaluated.metrics.keys() - card.keys()


def test_metrics_are_json(evaluated: Evaluated) -> None:
    """They come back as they were, without NaN."""
    assert evaluated.metrics == json.loads(json.dumps(evaluated.metrics, allow_nan=False))


def test_sets_are_kept_apart_by_origin(evaluated: Evaluated) -> None:
    """The ten of the card, the other built-in ones, and the user's own."""
    anomalies = evaluated.metrics["anomalies"]

    assert [10, 5, 1] == [len(anomalies[kind]) for kind in ("ten", "more", "given")]
    assert MORE == list(anomalies["more"])
    assert {"images": 12, "auroc_by_score": 0.0} == {
        key: anomalies["given"]["forms"][key] for key in ("images", "auroc_by_score")
    }
    assert evaluated.metrics["auroc_by_score"]["fashion"] == anomalies["ten"]["fashion"]["auroc_by_score"] == 1
    assert [*anomalies["ten"], *MORE, "forms"] == list(evaluated.strange)


def test_answers_are_whole(evaluated: Evaluated, few_digits: DigitData) -> None:
    """Every test digit has its row; each strange set its examples and all its scores."""
    ink = few_digits.test_images.mean(axis=(1, 2), dtype=np.float32) / np.float32(255)

    assert np.array_equal(few_digits.test_images // 2, evaluated.test.reconstructions)
    assert np.array_equal(ink, evaluated.test.anomaly_scores)
    assert (30, 49) == evaluated.test.codes.shape
    forms = evaluated.strange["forms"]
    assert [10, 10, 12, 12] == [len(getattr(forms, field.name)) for field in dataclasses.fields(forms)]
    assert np.array_equal(few_digits.test_images[:10] // 2, 127 - evaluated.strange["inverted"].reconstructions)


def test_examples_of_noises_are_one_of_each_class(evaluated: Evaluated, few_digits: DigitData) -> None:
    """The same clean digits for every noise, each before and after."""
    assert few_digits.test_labels is not None
    first = [few_digits.test_labels.tolist().index(digit) for digit in np.unique(few_digits.test_labels)]

    assert NOISES == list(evaluated.noises)
    for examples in evaluated.noises.values():
        assert np.array_equal(few_digits.test_images[first], examples.clean)
        assert not np.array_equal(examples.clean, examples.noisy)
        assert np.array_equal(examples.noisy // 2, examples.cleaned)


def test_examples_without_labels_are_the_first_ten() -> None:
    """Or as many as there are."""
    assert list(range(10)) == choose_examples(None, 30).tolist()
    assert [0, 1, 2] == choose_examples(None, 3).tolist()


def test_every_method_is_measured_on_every_noise(evaluated: Evaluated) -> None:
    """On the same digits; the best classical one is the one with the least error, and the model is its multiple."""
    table = evaluated.metrics["denoising_table"]

    assert (30, 8) == (table["images"], table["tuning_images"])
    assert NOISES == list(table["noises"])
    for row in table["noises"].values():
        methods: dict[str, Any] = row["methods"]
        assert ["model", "identity", "median", "gaussian", "wiener", "tv", "nlm"] == list(methods)
        classical = {name: figures["mse"] for name, figures in methods.items() if "parameters" in figures}
        assert min(classical, key=lambda name: classical[name]) == row["best_classical"]
        assert methods["model"]["mse"] / classical[row["best_classical"]] == pytest.approx(
            row["ratio_to_best_classical"], rel=1e-3
        )


def test_model_of_the_table_is_that_of_the_card(evaluated: Evaluated) -> None:
    """With fewer test digits than are measured for the table, both mean the same pictures."""
    table = evaluated.metrics["denoising_table"]["noises"]

    assert evaluated.metrics["denoising"] == {name: row["methods"]["model"] for name, row in table.items()}


def test_curve_ends_at_the_calibration_given(evaluated: Evaluated) -> None:
    """A calibration on 99 digits promises up to 0.99."""
    calibration = evaluated.metrics["calibration"]

    assert (99, 0.99) == (calibration["size"], calibration["curve"][-1]["threshold"])


def test_tables_name_everything(evaluated: Evaluated) -> None:
    """Every set, noise and threshold has a line, none wider than a terminal."""
    lines = render_evaluation(evaluated.metrics).splitlines()
    first_words = [line.split()[0] for line in lines if line]

    assert {*evaluated.strange, *NOISES, "clean.mse", "auroc_by_score.mean", "0.99000"} <= set(first_words)
    assert 120 >= max(map(len, lines))


def test_given_set_may_not_hide_a_built_in_one(few_digits: DigitData) -> None:
    """It is refused before anything is measured."""
    with pytest.raises(EvaluationError, match="a built-in set is called strokes too"):
        evaluate_fully(_DimmingCodec(), few_digits, GivenSets(None, {"strokes": few_digits.test_images}))
