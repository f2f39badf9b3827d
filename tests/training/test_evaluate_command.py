"""`python -m training evaluate`: what it prints and writes, and what it refuses in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.__main__ import main  # noqa: E402  # beside the imports below
from training.data.load import DigitData  # noqa: E402  # beside the imports above

SHIPPED = Path(__file__).parents[2] / "models" / "digits" / "1"


class Run(NamedTuple):
    """What the command left behind.

    Attributes:
        output: Where it wrote to without being told.
        done: Its status and what it printed.
    """

    output: Path
    done: "subprocess.CompletedProcess[str]"

    def read_metrics(self) -> dict[str, Any]:
        """What metrics.json holds."""
        told: dict[str, Any] = json.loads((self.output / "metrics.json").read_text("utf-8"))
        return told


def write_digits(path: Path, data: DigitData, train: int, test: int) -> None:
    """A few digits with labels, as an archive."""
    assert data.train_labels is not None
    assert data.test_labels is not None
    np.savez(
        path,
        x_train=data.train_images[:train],
        y_train=data.train_labels[:train],
        x_test=data.test_images[:test],
        y_test=data.test_labels[:test],
    )


@pytest.fixture(scope="module")
def evaluation(small_digits: DigitData, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The shipped model, measured once for all tests on digits so few that the classical methods take seconds."""
    folder = tmp_path_factory.mktemp("evaluate")
    write_digits(folder / "few.npz", small_digits, train=20, test=60)
    np.savez(folder / "forms.npz", images=255 - small_digits.test_images[:20])
    np.savez(folder / "fashion.npz", images=small_digits.test_images[:20].transpose(0, 2, 1))
    command = [sys.executable, "-m", "training", "evaluate", str(SHIPPED), "--data", "few.npz"]
    command += ["--ood", "forms.npz", "fashion.npz"]
    environment = {**os.environ, "PYTHONPATH": str(SHIPPED.parents[2])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return Run(folder / "reports" / "digits-1", done)


def test_figures_and_files_are_told(evaluation: Run) -> None:
    """Stdout holds the tables and, last, what was written; stderr the parts and their times, without any noise."""
    lines = evaluation.done.stdout.splitlines()

    assert "wrote reports/digits-1/metrics.json and reports/digits-1/report.html" == lines[-1]
    assert {"forms.npz", "strokes", "block_14", "0.99980", "clean.bce"} <= {line.split()[0] for line in lines if line}
    assert "digits: measuring on 60 test digits of few" == evaluation.done.stderr.splitlines()[0]
    assert "it was trained on other digits, mnist; it may have seen these" in evaluation.done.stderr
    assert "oneDNN" not in evaluation.done.stderr
    assert "Traceback" not in evaluation.done.stderr


def test_metrics_say_what_was_measured_on_what(evaluation: Run) -> None:
    """Model, version, digits and seed stand beside the figures."""
    told = evaluation.read_metrics()

    assert ("digits", "1", 0) == tuple(told[key] for key in ("name", "version", "seed"))
    assert ("few", 60) == tuple(told["data"][key] for key in ("name", "test_images"))
    assert 64 == len(told["data"]["sha256"])
    assert 5000 == told["metrics"]["calibration"]["size"]


def test_ten_sets_are_complete_by_a_file_of_that_name(evaluation: Run) -> None:
    """What is called fashion is the set of the ten; other things given are sets of their own."""
    metrics = evaluation.read_metrics()["metrics"]
    anomalies = metrics["anomalies"]

    assert {} == metrics["left_out"]
    assert 20 == anomalies["ten"]["fashion"]["images"]
    assert ["forms.npz"] == list(anomalies["given"])
    assert 1 == anomalies["given"]["forms.npz"]["auroc_by_score"]


def test_report_lies_beside_the_metrics(evaluation: Run) -> None:
    """One page, and nothing else is left."""
    assert {"metrics.json", "report.html"} == {path.name for path in evaluation.output.iterdir()}
    assert (evaluation.output / "report.html").read_text("utf-8").lstrip().lower().startswith("<!doctype")


@pytest.mark.parametrize("inside", ["", "assets.extra"])
def test_output_inside_the_version_is_refused(inside: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Services read that folder."""
    status = main(["evaluate", str(SHIPPED), "--data", "digits", "--output", str(SHIPPED / inside)])

    assert 2 == status
    assert "is a part of the version, which services read; give another --output" in capsys.readouterr().err


def test_unknown_version_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what a version is; nothing is written."""
    output = tmp_path / "report"

    assert 2 == main(["evaluate", str(tmp_path / "none"), "--data", "digits", "--output", str(output)])
    assert [f"error: {tmp_path / 'none'} holds no saved_model.pb; give a version, such as models/digits/1"] == (
        capsys.readouterr().err.splitlines()
    )
    assert not output.exists()


def test_model_folder_without_a_version_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder above a version is none."""
    output = str(tmp_path / "report")

    assert 2 == main(["evaluate", str(SHIPPED.parent), "--data", "digits", "--output", output])
    assert "holds no saved_model.pb" in capsys.readouterr().err


def test_broken_version_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no SavedModel is told in one line."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"not a model")

    assert 2 == main(["evaluate", str(tmp_path / "1"), "--data", "digits", "--output", str(tmp_path / "report")])
    message = capsys.readouterr().err.splitlines()
    assert 1 == len(message)
    assert message[0].startswith(f"error: {tmp_path / '1'} cannot be loaded: ")


@pytest.mark.parametrize("flag", ["--data", "--ood", "--fashion"])
def test_missing_images_are_one_line(flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever of the sources it is, its path is named."""
    flags = [] if flag == "--data" else ["--data", "digits"]
    missing = tmp_path / "nowhere"

    assert 2 == main(["evaluate", str(SHIPPED), *flags, flag, str(missing), "--output", str(tmp_path / "report")])
    message = capsys.readouterr().err.splitlines()
    assert 1 == len(message)
    assert str(missing) in message[0]


def test_help_names_every_source(capsys: pytest.CaptureFixture[str]) -> None:
    """The flags of `fit` mean the same here."""
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--help"])

    assert 0 == stopped.value.code
    shown = capsys.readouterr().out
    assert all(flag in shown for flag in ("VERSION_DIR", "--data", "--fashion", "--ood", "--output", "--split"))
