"""`compare` and `promote` with models that load: measured on digits, copied, checked, published whole or not at all."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.__main__ import main  # noqa: E402  # beside the imports below
from training.data.load import DigitData  # noqa: E402  # beside the imports below
from training.errors import PromotionError  # noqa: E402  # beside the imports above
from training.export.card import CARD_FILE  # noqa: E402  # beside the import below
from training.export.publish import INCOMING_PREFIX, publish_version  # noqa: E402  # needs TensorFlow
from training.export.warmup import WARMUP_FILE  # noqa: E402  # beside the import above
from training.promotion.promote import Promotion, promote  # noqa: E402  # beside the imports above

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT = REPOSITORY / "models" / "digits" / "1"


@pytest.fixture(scope="module")
def untrained(
    autoencoder: Any, statistic: Any, small_digits: DigitData, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A version that reconstructs nothing, with 8-wide codes and a whole card without figures."""
    card = {
        "recipe": {"name": "toy"},
        "seed": 1,
        "data": {"name": "digits", "sha256": small_digits.sha256, "test_images": len(small_digits.test_images)},
        "metrics": {},
        "calibration": {"size": 300},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.export.publish._check", lambda *_: None)  # whoever promotes it checks it
        return publish_version(autoencoder, statistic, card, tmp_path_factory.mktemp("untrained"), "toy")


def copy_version(source: Path, target: Path, **changes: Any) -> Path:
    """A version elsewhere, with some entries of its card changed."""
    shutil.copytree(source, target)
    card = read_card(target)
    (target / CARD_FILE).write_text(json.dumps(card | changes))
    return target


def read_card(version: Path) -> dict[str, Any]:
    """The model card."""
    card: dict[str, Any] = json.loads((version / CARD_FILE).read_text("utf-8"))
    return card


def read_files(version: Path) -> dict[str, bytes]:
    """Every file below, by relative path."""
    return {str(path.relative_to(version)): path.read_bytes() for path in version.rglob("*") if path.is_file()}


def list_versions(model_dir: Path) -> list[str]:
    """The numbers that are there."""
    return sorted(entry.name for entry in model_dir.iterdir() if entry.name.isdecimal())


def test_candidate_that_is_no_worse_is_measured_copied_and_published(
    untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both are measured on the same digits; the copy has every file, as others may read it, and the new name."""
    newest = copy_version(untrained, tmp_path / "models" / "eights" / "4")
    with (newest / "variables" / "variables.data-00000-of-00001").open("ab") as variables:
        variables.write(b"\0")  # another model as far as files tell, with the same answers
    candidate = copy_version(untrained, tmp_path / "tried" / "toy" / "9")
    candidate.chmod(0o700)
    before = read_files(candidate)
    where = ["--models", str(tmp_path / "models"), "--name", "eights"]

    assert 0 == main(["promote", str(candidate), *where, "--data", "digits"])

    published = tmp_path / "models" / "eights" / "5"
    printed = capsys.readouterr().out.splitlines()
    assert "no clear winner: no figure differs by more than the margin of 5 %" == printed[-2]
    assert f"published {candidate} as {published}" == printed[-1]
    assert before == read_files(candidate)
    assert before.keys() == read_files(published).keys()
    assert before["saved_model.pb"] == (published / "saved_model.pb").read_bytes()
    assert "eights" == read_card(published)["name"]
    assert b"eights" in (published / WARMUP_FILE).read_bytes()
    mask = os.umask(0)
    os.umask(mask)
    assert 0o777 & ~mask == published.stat().st_mode & 0o777
    assert ["4", "5"] == list_versions(published.parent)
    assert [] == list(published.parent.glob(f"{INCOMING_PREFIX}*"))


def test_card_of_the_copy_says_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folder and comparison, no path of a machine; all that the training said stays."""
    monkeypatch.setattr("training.export.publish._check", lambda *_: None)
    metrics = read_card(DEFAULT)["metrics"]
    worse = copy_version(
        DEFAULT, tmp_path / "models" / "digits" / "3", metrics=metrics | {"knn_accuracy": metrics["knn_accuracy"] / 2}
    )
    (worse / "saved_model.pb").write_bytes(b"another model")  # compared by its card alone it is never loaded
    candidate = copy_version(DEFAULT, tmp_path / "tried" / "digits" / "9")

    published = promote(Promotion(candidate, tmp_path / "models", "digits"), show=lambda _: None)

    card = read_card(published)
    promotion = card["promotion"]
    assert "digits/9" == card["promoted_from"]
    assert ("digits/3", 0.05) == (promotion["compared_with"], promotion["margin"])
    assert {"knn_accuracy"} == promotion["better_beyond_margin"].keys()
    assert read_card(candidate).items() <= card.items()
    assert str(tmp_path) not in json.dumps(card)


def test_first_version_needs_no_comparison(
    untrained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is published the candidate becomes version 1, and the log says that nothing was compared."""
    monkeypatch.setattr("training.export.publish._check", lambda *_: None)

    assert 0 == main(["promote", str(untrained), "--models", str(tmp_path), "--name", "toy"])

    assert [f"{tmp_path / 'toy'} has no version yet: there is nothing to compare with"] == caplog.messages
    assert ["1"] == list_versions(tmp_path / "toy")
    assert read_card(tmp_path / "toy" / "1")["promotion"] is None


def test_worse_candidate_is_refused_by_what_was_measured(
    untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever its card says: the status is 2, the line names the figures, nothing is published."""
    copy_version(DEFAULT, tmp_path / "digits" / "1")
    command = ["promote", str(untrained), "--models", str(tmp_path), "--data", "digits", "--allow-code-change"]

    assert 2 == main(command)

    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"error: {untrained} is worse than {tmp_path / 'digits' / '1'} by more than")
    assert "clean.mse (" in error
    assert ["1"] == list_versions(tmp_path / "digits")


def test_version_trained_on_other_digits_is_told(
    untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may have been trained on the very digits that it is now measured on."""
    other = copy_version(untrained, tmp_path / "2", data={"name": "own", "sha256": "00" * 32, "test_images": 9})

    assert 0 == main(["compare", str(untrained), str(other), "--data", "digits"])

    printed = capsys.readouterr().out
    assert f"note: {other} was trained on other digits, own 000000000000; it may have seen these" in printed
    assert "no clear winner: no figure differs" in printed.splitlines()[-1]


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index"])
def test_damaged_candidate_is_refused_in_one_line(
    file: str, untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be loaded is neither measured nor published."""
    candidate = copy_version(untrained, tmp_path / "7")
    (candidate / file).write_bytes(b"damaged")

    assert 2 == main(["promote", str(candidate), "--models", str(tmp_path / "models")])
    assert f"error: {candidate} cannot be loaded: " in capsys.readouterr().err.splitlines()[-1]
    assert 2 == main(["compare", str(candidate), str(untrained), "--data", "digits"])
    assert f"error: {candidate} cannot be loaded: " in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "models").exists()


def test_card_that_lies_about_the_code_width_is_refused(
    untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The signatures say what the codes are, so no changed card smuggles other ones in."""
    candidate = copy_version(untrained, tmp_path / "7", code_dim=32)

    assert 2 == main(["promote", str(candidate), "--models", str(tmp_path / "models")])
    assert f"error: {candidate} does not keep contract one: got signatures " in capsys.readouterr().err


def save_sociable(directory: Path) -> None:
    """A model of contract one whose answers to an image depend on the images beside it."""
    images, codes = tf.TensorSpec([None, 28, 28], tf.uint8, "images"), tf.TensorSpec([None, 8], tf.float32, "codes")

    def encode(images: Any) -> dict[str, Any]:
        return {"codes": tf.fill([tf.shape(images)[0], 8], tf.reduce_mean(tf.cast(images, tf.float32)))}

    def decode(codes: Any) -> dict[str, Any]:
        return {"images": tf.zeros([tf.shape(codes)[0], 28, 28], tf.uint8)}

    def reconstruct(images: Any) -> dict[str, Any]:
        codes = encode(images)["codes"]
        numbers = {"errors": codes[:, 0] / 255, "anomaly_scores": codes[:, 0] / 255}
        return {"reconstructions": decode(codes)["images"], "codes": codes, **numbers}

    served = tf.function(reconstruct, [images]).get_concrete_function()
    signatures = {
        "encode": tf.function(encode, [images]).get_concrete_function(),
        "decode": tf.function(decode, [codes]).get_concrete_function(),
        "reconstruct": served,
        "serving_default": served,
    }
    tf.saved_model.save(tf.Module(), str(directory), signatures)


def test_candidate_that_fails_the_check_is_refused(
    untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fresh process asks the copy with other batch sizes and must hear the candidate's answers."""
    candidate = copy_version(untrained, tmp_path / "7")
    shutil.rmtree(candidate / "variables")
    save_sociable(candidate)

    assert 2 == main(["promote", str(candidate), "--models", str(tmp_path / "models")])

    assert "error: the exported version failed its check: " in capsys.readouterr().err
    assert [] == list_versions(tmp_path / "models" / "digits")


def test_version_that_was_published_meanwhile_is_not_passed_over(tmp_path: Path) -> None:
    """The comparison was with another version, so it says nothing any more."""
    newest = copy_version(DEFAULT, tmp_path / "digits" / "1", seed=7)
    (newest / "saved_model.pb").write_bytes(b"another model")

    def publish_another(_: object) -> None:
        shutil.copytree(newest, tmp_path / "digits" / "2")

    with pytest.raises(PromotionError, match=r"^another version of .*digits was published meanwhile; "):
        promote(Promotion(DEFAULT, tmp_path, "digits"), show=publish_another)
    assert ["1", "2"] == list_versions(tmp_path / "digits")


def test_killed_promotion_leaves_no_half_version(
    untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL while the copy is checked: no version, a whole candidate; the next promotion clears up and publishes."""
    model_dir = tmp_path / "toy"
    arguments = ["promote", str(untrained), "--models", str(tmp_path), "--name", "toy"]
    before = read_files(untrained)
    command = [sys.executable, "-m", "training", *arguments]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=REPOSITORY) as promotion:  # our own
        while not list(model_dir.glob(f"{INCOMING_PREFIX}*/probe.npz")):
            assert promotion.poll() is None
        os.kill(promotion.pid, signal.SIGKILL)

    assert list(model_dir.glob(f"{INCOMING_PREFIX}*"))
    assert [] == list_versions(model_dir)
    monkeypatch.setattr("training.export.publish._check", lambda *_: None)
    assert 0 == main(arguments)
    assert ["1"] == list_versions(model_dir)
    assert [] == list(model_dir.glob(f"{INCOMING_PREFIX}*"))
    assert before == read_files(untrained)
