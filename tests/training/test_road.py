"""The whole road on few digits: a published version that answers as contract one says."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.data import load_data  # noqa: E402  # beside the imports below
from training.errors import DataError, TrainingError  # noqa: E402  # beside the imports below
from training.recipes import find_recipe  # noqa: E402  # beside the imports below
from training.road import TrainConfig, train_and_evaluate, with_steps  # noqa: E402  # needs TensorFlow

SHORT = with_steps(find_recipe("denoising-32"), 30)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version trained for 30 steps on the small digits."""
    return train_and_evaluate(TrainConfig(SHORT, "digits", tmp_path_factory.mktemp("models"), seed=3))


def test_first_version_is_number_one(version: Path) -> None:
    """The version lies where model servers look for it."""
    assert ("digits", "1") == (version.parent.name, version.name)
    assert (version / "saved_model.pb").is_file()


def test_published_model_answers_with_its_code_width(version: Path) -> None:
    """The version answers after a reload, for another batch size than any that was trained."""
    images = tf.constant(load_data("digits").test_images[:7])

    answer = tf.saved_model.load(str(version)).signatures["reconstruct"](images=images)

    assert (7, 32) == tuple(answer["codes"].shape)
    assert (7, 28, 28) == tuple(answer["reconstructions"].shape)
    scores = answer["anomaly_scores"].numpy()
    assert np.all((scores >= 0) & (scores <= 1))


def test_card_tells_how_to_make_it_again(version: Path) -> None:
    """Recipe with the steps really taken, seed, data and calibration size are on the model card."""
    card = json.loads((version / "assets.extra" / "model_card.json").read_text("utf-8"))
    text = json.dumps(card)

    assert "denoising-32" in text
    assert 30 == card["recipe"]["fit"]["steps"]
    assert 3 == card["seed"]
    assert load_data("digits").sha256 in text
    assert card["metrics"]


def test_failed_training_publishes_nothing(tmp_path: Path) -> None:
    """An exploding fit leaves no version behind."""
    optimizer = dataclasses.replace(SHORT.fit.optimizer, learning_rate=float("inf"))
    broken = dataclasses.replace(SHORT, fit=dataclasses.replace(SHORT.fit, optimizer=optimizer))

    with pytest.raises(TrainingError):
        train_and_evaluate(TrainConfig(broken, "digits", tmp_path))
    assert [] == list(tmp_path.rglob("saved_model.pb"))


def test_missing_data_is_found_before_any_work(tmp_path: Path) -> None:
    """A wrong path fails at once and makes no folder."""
    with pytest.raises(DataError, match="nowhere"):
        train_and_evaluate(TrainConfig(SHORT, str(tmp_path / "nowhere"), tmp_path / "models"))
    assert not (tmp_path / "models").exists()
