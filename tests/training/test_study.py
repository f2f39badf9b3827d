"""The study: trains what is missing, keeps what is there, goes on after a failure, and writes the page in any case."""

import dataclasses
import logging
import re
from pathlib import Path
from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from support.study_findings import make_recipe, make_run  # noqa: E402  # beside the imports below

from training.config import TrainConfig  # noqa: E402  # beside the others
from training.data.load import DigitData  # noqa: E402  # beside the others
from training.errors import DataError, FitStoppedError, RecipeError, TrainingError  # noqa: E402  # beside the others
from training.fit.loop import Fitted  # noqa: E402  # needs TensorFlow
from training.fit.state import History  # noqa: E402  # the same
from training.recipes.base import Recipe  # noqa: E402  # beside the others
from training.study.config import DYING_CODE, ONE_CLASS, StudyConfig  # noqa: E402  # beside the others
from training.study.dying import find_death, measure_dying, read_dying  # noqa: E402  # needs TensorFlow
from training.study.notes import Notes  # noqa: E402  # beside the others
from training.study.one_class import find_digits, measure_one_class, read_one_class  # noqa: E402  # needs TensorFlow
from training.study.study import run_study  # noqa: E402  # needs TensorFlow
from training.study.trainings import has_made  # noqa: E402  # the same

_GOOD, _BROKEN = make_recipe("good", code_dim=4), make_recipe("broken", code_dim=4)


def _break(recipe: Recipe) -> Recipe:
    optimizer = dataclasses.replace(recipe.fit.optimizer, learning_rate=1e38)
    return dataclasses.replace(recipe, fit=dataclasses.replace(recipe.fit, optimizer=optimizer))


_RECIPES = {"broken": _break(_BROKEN), "good": _GOOD}


@pytest.fixture(autouse=True)
def _few_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small recipes instead of all, and no components to compute."""
    monkeypatch.setattr("training.study.config.RECIPES", _RECIPES)
    monkeypatch.setattr("training.study.floor.measure_pca", lambda *given: 0.1 / given[-1])


@pytest.fixture
def config(tmp_path: Path) -> StudyConfig:
    """A study of the small digits, in a folder of its own."""
    return StudyConfig("digits", tmp_path / "models", tmp_path / "docs" / "recipes.md", only=("good",), steps=20)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyConfig, str]:
    """A study of both recipes, and the error that it ended with."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.study.config.RECIPES", _RECIPES)
        config = StudyConfig("digits", folder / "models", folder / "recipes.md", only=("broken", "good"), steps=20)
        with pytest.raises(TrainingError) as failed:
            run_study(config)
    return config, str(failed.value)


def test_failing_recipe_is_a_row_and_the_others_go_on(finished: tuple[StudyConfig, str]) -> None:
    """The page has the reason of the one and the figures of the other; the study ends with an error all the same."""
    config, error = finished

    page = config.page.read_text("utf-8")

    assert error.startswith("failed: broken; ")
    broken, good = (line for line in page.splitlines() if line.startswith(("| `broken`", "| `good`")))
    assert "**failed**: the loss is" in broken
    assert "lower learning rate" in broken
    assert "| 4 |" in good
    assert (config.page.parent / "images" / "recipes.png").is_file()


def test_page_holds_no_path(finished: tuple[StudyConfig, str]) -> None:
    """Neither of the models nor of anything else of this machine."""
    config, _ = finished

    assert str(config.models_root) not in config.page.read_text("utf-8")
    assert "/tmp" not in config.page.read_text("utf-8")  # noqa: S108  # looked for, not written to


def test_finished_recipe_is_kept(finished: tuple[StudyConfig, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A second study trains nothing that the first one finished; its page still tells of the other's failure."""
    config, _ = finished
    before = config.page.read_text("utf-8")
    monkeypatch.delattr("training.study.trainings.train_and_evaluate")

    run_study(dataclasses.replace(config, only=("good",)))

    assert before == config.page.read_text("utf-8")


@pytest.mark.parametrize("changed", [{"seed": 1}, {"steps": 21}])
def test_other_training_is_not_kept(
    changed: dict[str, Any], finished: tuple[StudyConfig, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another seed or another length is another model, though it lies in the same folder."""
    config, _ = finished
    trained: list[TrainConfig] = []
    monkeypatch.setattr("training.study.trainings.train_and_evaluate", trained.append)

    run_study(dataclasses.replace(config, only=("good",), page=tmp_path / "recipes.md", **changed))

    assert ["good"] == [training.name for training in trained]


def test_new_words_train_nothing(finished: tuple[StudyConfig, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe whose description was bettered has still made its model."""
    config, _ = finished
    renamed = dataclasses.replace(_GOOD, summary="in other words", known_result="measured by now")
    monkeypatch.setattr("training.study.config.RECIPES", {"good": renamed})
    monkeypatch.delattr("training.study.trainings.train_and_evaluate")

    run_study(dataclasses.replace(config, only=("good",)))

    assert "not trained yet" not in config.page.read_text("utf-8")


def test_every_fit_gets_what_the_study_was_given(config: StudyConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data, seed, pictures of clothes and a folder named as the recipe."""
    trained: list[TrainConfig] = []
    monkeypatch.setattr("training.study.trainings.train_and_evaluate", trained.append)

    run_study(dataclasses.replace(config, seed=5, fashion=Path("clothes")))

    (training,) = trained
    assert ("digits", config.models_root, "good", 5) == (
        training.data,
        training.models_root,
        training.name,
        training.seed,
    )
    assert Path("clothes") == training.fashion
    assert 20 == training.recipe.fit.steps


@pytest.mark.parametrize("error", [FitStoppedError("stopped after step 5"), DataError("no digits")])
def test_stop_ends_the_study(error: Exception, config: StudyConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C stops all of it, and missing data would fail every recipe: neither is a row."""

    def stop(_: TrainConfig) -> None:
        raise error

    monkeypatch.setattr("training.study.trainings.train_and_evaluate", stop)

    with pytest.raises(type(error)):
        run_study(config)
    assert not config.page.exists()


def test_study_tells_what_it_does(
    config: StudyConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """How far it is, what became of it, how long it took, and where the page lies."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("training.study.trainings.train_and_evaluate", lambda _: None)

    run_study(config)

    assert "recipe 1/1, good: 20 steps" in caplog.messages
    assert any(re.fullmatch("recipe 1/1, good: published, .:.. in all", message) for message in caplog.messages)
    assert caplog.messages[-1].startswith(f"{config.page} is written")


def test_unknown_name_lists_the_known_ones() -> None:
    """Recipes and parts."""
    with pytest.raises(RecipeError, match="'best' is no part of the study; choose from broken, good, dying-code, one-"):
        StudyConfig("digits", Path("models"), Path("page.md"), only=("best",))


def test_failing_part_does_not_stop_the_others(
    config: StudyConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One part fails, the next is measured, the page is written, and the end is an error."""
    measured: list[str] = []

    def fail(*_: Any) -> None:
        raise TrainingError("the loss is nan at step 3")

    monkeypatch.setattr("training.study.study.measure_dying", fail)
    monkeypatch.setattr("training.study.study.measure_one_class", lambda *_: measured.append("one-class"))

    with pytest.raises(TrainingError, match="failed: dying-code; "):
        run_study(dataclasses.replace(config, only=(DYING_CODE, ONE_CLASS)))
    assert ["one-class"] == measured
    assert "dying-code: the loss is nan at step 3" in caplog.messages
    assert config.page.is_file()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"fit": {"steps": 5, "decay": 0.0, "loss": {"price": 0}}}, True),
        ({"fit": {"steps": 5, "loss": {}}}, True),
        ({"fit": {"decay": 0.0, "loss": {"price": 0}}}, False),
        ({"fit": {"steps": 6, "decay": 0.0, "loss": {"price": 0}}}, False),
        ({"fit": {"steps": 5, "decay": 0.0, "loss": {"price": 0, "gone": 1}}}, False),
        ({"fit": None}, False),
    ],
)
def test_values_that_came_later_were_off(found: dict[str, Any], *, expected: bool) -> None:
    """A card from before a value existed is still of the same recipe, as long as the recipe leaves that value off."""
    assert expected == has_made({"fit": {"steps": 5, "decay": 0.0, "loss": {"price": 0}}}, found)


@pytest.mark.parametrize(
    ("is_silent", "expected"),
    [([1, 0, 1, 1], 2), ([1, 1, 1], 0), ([0, 0, 0], None), ([1, 1, 0], None), ([0, 0, 1], 2)],
)
def test_death_is_the_last_one(is_silent: list[int], expected: int | None) -> None:
    """A code that came back had not died; one that is silent to the end died after its last lively step."""
    import numpy as np

    assert expected == find_death(np.array(is_silent, bool))


def test_dying_code_is_measured_once(
    config: StudyConfig, small_digits: DigitData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All variants; a second time none. Renaming a variant measures nothing again."""
    seen: list[str] = []

    def run(_config: StudyConfig, variant: Any, _parts: Any) -> Any:
        seen.append(variant.name)
        return make_run(variant.label, seed=variant.seed)

    monkeypatch.setattr("training.study.dying._run", run)
    notes = Notes(config.models_root)
    assert read_dying(config, small_digits.sha256, notes) is None

    dying = measure_dying(dataclasses.replace(config, seed=7), small_digits, notes)
    again = measure_dying(dataclasses.replace(config, seed=7), small_digits, notes)

    assert 4 + 12 == len(seen) == len(set(seen))
    assert dying == again
    assert [7, 8, 9, 10] == [found["seed"] for found in dying["seeds"]]
    assert ["as-written", "he"] == list(dying["changes"])[:2]


@pytest.fixture(scope="module")
def two_digits(small_digits: DigitData) -> DigitData:
    """The zeros and the ones."""
    assert small_digits.train_labels is not None
    assert small_digits.test_labels is not None
    train, test = small_digits.train_labels < 2, small_digits.test_labels < 2
    return dataclasses.replace(
        small_digits,
        train_images=small_digits.train_images[train],
        train_labels=small_digits.train_labels[train],
        test_images=small_digits.test_images[test],
        test_labels=small_digits.test_labels[test],
    )


def test_one_class_goes_on_where_it_was(
    config: StudyConfig, two_digits: DigitData, autoencoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each model sees its own digit alone; stopped at the second, the study measures only that one again."""
    seen: list[int] = []

    def fit(_network: Any, _config: Any, images: Any, *_: Any) -> Any:
        seen.append(len(images))
        if len(seen) == 2:
            raise FitStoppedError("stopped after step 5")
        return Fitted(autoencoder, 0.1, History([20], [0.1], [0.1]), 1.0)

    monkeypatch.setattr("training.study.one_class.fit", fit)
    notes = Notes(config.models_root)
    with pytest.raises(FitStoppedError):
        measure_one_class(config, two_digits, notes)
    assert [] == read_one_class(config, two_digits, notes)

    runs = measure_one_class(config, two_digits, notes)

    assert [0, 1] == [run["digit"] for run in runs]
    assert [*(run["fitted_images"] for run in runs), runs[1]["fitted_images"]] == seen
    assert sum(seen[:2]) < len(two_digits.train_images)
    assert all(0 <= run["auroc_by_score"] <= 1 for run in runs)
    assert runs == measure_one_class(config, two_digits, notes)


def test_one_class_needs_classes(small_digits: DigitData) -> None:
    """Without labels, or with a single class, there is nothing to tell apart."""
    assert [] == find_digits(dataclasses.replace(small_digits, train_labels=None))
    assert small_digits.test_labels is not None
    assert [] == find_digits(dataclasses.replace(small_digits, test_labels=small_digits.test_labels * 0))
    assert list(range(10)) == find_digits(small_digits)
