"""The whole road on few digits: a published version that answers as contract one says."""

import dataclasses
import json
import os
import signal
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.config import TrainConfig, with_steps  # noqa: E402  # beside the imports below
from training.data.load import load_data  # noqa: E402  # beside the imports below
from training.data.split import split_training  # noqa: E402  # beside the imports below
from training.errors import DataError, ExportError, FitStoppedError, TrainingError  # noqa: E402  # beside the imports below
from training.fit.loop import Fitted  # noqa: E402  # beside the imports below
from training.fit.progress import LineProgress as Progress  # noqa: E402  # beside the imports below
from training.fit.state import History  # noqa: E402  # beside the imports below
from training.recipes import find_recipe  # noqa: E402  # beside the imports below
from training.road import train_and_evaluate  # noqa: E402  # needs TensorFlow

SHORT = with_steps(find_recipe("denoising-32"), 30)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version trained for 30 steps on the small digits."""
    published = train_and_evaluate(TrainConfig(SHORT, "digits", tmp_path_factory.mktemp("models"), seed=3))
    assert published is not None
    return published


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
    assert len(load_data("digits").train_images) // 5 == card["calibration"]["size"]
    assert 0 < card["watched_error"] < 1


def test_history_lies_beside_the_card(version: Path) -> None:
    """How the fit went is part of the version, and its checkpoints are gone."""
    history = json.loads((version / "assets.extra" / "history.json").read_text("utf-8"))

    assert [30] == history["steps"]
    assert 1 == len(history["losses"]) == len(history["watched_errors"])
    assert [] == list(version.parent.glob(".fit-*"))


def test_stopped_training_is_published_by_the_same_command_with_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stopped fit publishes nothing; with `finish` its best weights become a version, and nothing else is left."""
    config = TrainConfig(with_steps(SHORT, 5_000), "digits", tmp_path)
    looked = Progress.show_watched

    def look_and_stop(self: Progress, error: float) -> None:
        looked(self, error)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Progress, "show_watched", look_and_stop)
    short_looks = dataclasses.replace(config.recipe.fit, watch_every_steps=20)
    config = dataclasses.replace(config, recipe=dataclasses.replace(config.recipe, fit=short_looks))
    with pytest.raises(FitStoppedError, match="with --finish"):
        train_and_evaluate(config)
    assert [] == list(tmp_path.rglob("saved_model.pb"))

    version = train_and_evaluate(dataclasses.replace(config, finish=True))

    assert version is not None
    card = json.loads((version / "assets.extra" / "model_card.json").read_text("utf-8"))
    assert 20 == card["training_steps"]
    assert ["1"] == [entry.name for entry in version.parent.iterdir() if not entry.name.startswith(".publish")]


class _Rooms:
    """Stands for the rooms of the road that take long; remembers what each was given."""

    def __init__(self, autoencoder: Any, statistic: Any) -> None:
        self.given: dict[str, tuple[Any, ...]] = {}
        self._autoencoder = autoencoder
        self._statistic = statistic

    def fit(self, *given: Any) -> Fitted:
        """A fit that is done at once."""
        self.given["fit"] = given
        return Fitted(self._autoencoder, 0.125, History([30], [0.5], [0.125]), 1.0)

    def fit_statistic(self, *given: Any) -> Any:
        """A statistic that was ready before."""
        self.given["fit_statistic"] = given
        return self._statistic

    def evaluate(self, *given: Any) -> dict[str, Any]:
        """Figures of nothing."""
        self.given["evaluate"] = given
        return {}

    def publish_version(self, *given: Any, digits: Any, history: Any) -> Path:
        """A version that is not there."""
        self.given["publish_version"] = (*given, digits, history)
        return Path("1")


def test_every_room_gets_its_own_images(
    autoencoder: Any, statistic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fit and prototypes see the fit images, the calibration the held-out ones; the test images are for the figures."""
    rooms = _Rooms(autoencoder, statistic)
    for name in ("fit", "fit_statistic", "evaluate", "publish_version"):
        monkeypatch.setattr(f"training.road.{name}", getattr(rooms, name))
    clothes = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    (tmp_path / "clothes").write_bytes(bytes((0, 0, 8, 3)) + struct.pack(">3I", 3, 28, 28) + clothes.tobytes())
    data = load_data("digits")

    train_and_evaluate(TrainConfig(SHORT, "digits", tmp_path, held_out=100, fashion=tmp_path / "clothes"))

    parts = split_training(data.train_images, 100)
    _, _, *fitted_on, seed, _, _ = rooms.given["fit"]
    assert 0 == seed
    assert all(map(np.array_equal, (parts.fit, parts.watch), fitted_on))
    assert autoencoder is rooms.given["fit_statistic"][0]
    assert all(map(np.array_equal, (parts.fit, parts.calibration), rooms.given["fit_statistic"][1:3]))
    assert np.array_equal(data.test_images, rooms.given["evaluate"][1].test_images)
    assert np.array_equal(clothes, rooms.given["evaluate"][2])
    _, _, card, *_, checked, history = rooms.given["publish_version"]
    assert (100, 0.125) == (card["calibration"]["size"], card["watched_error"])
    assert np.array_equal(parts.calibration[:64], checked)
    assert {"steps": [30], "losses": [0.5], "watched_errors": [0.125]} == history


def test_unwritable_folder_is_found_before_the_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file where the models should be fails at once, with the way out."""
    (tmp_path / "models").write_bytes(b"")
    monkeypatch.delattr("training.road.fit")

    with pytest.raises(ExportError, match=r"cannot write to .*models.*; choose another place with --models"):
        train_and_evaluate(TrainConfig(SHORT, "digits", tmp_path / "models"))


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
