"""Publication: whole or not at all, checked, one at a time."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.export import (  # noqa: E402  # needs TensorFlow
    CARD_FILE,
    INCOMING_PREFIX,
    ExportError,
    build_probe,
    publish_version,
)
from training.verify import ContractViolationError, verify_version  # noqa: E402  # beside the import above
from training.warmup import WARMUP_FILE  # noqa: E402  # beside the import above

REPOSITORY = Path(__file__).resolve().parents[2]

# Publishes an untrained network as often as asked; says when it is about to start.
PUBLISHER = """
import sys
from pathlib import Path
import numpy as np
from training.networks import build_autoencoder
from training.recipes.base import ResidualNetwork
from training.statistic import fit_statistic
from training.export import publish_version
model = build_autoencoder(ResidualNetwork(4, 16, 16, 0, 0), seed=0)
images = np.random.default_rng(0).integers(0, 256, (200, 28, 28), dtype=np.uint8)
statistic = fit_statistic(model, images[:100], images[100:], seed=0)
for line in sys.stdin:
    print(publish_version(model, statistic, {"seed": 0}, Path(sys.argv[1]), "digits"), flush=True)
"""


@pytest.fixture(scope="module")
def published(autoencoder: Any, statistic: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version in a model directory where a dead writer had left something."""
    models = tmp_path_factory.mktemp("models")
    leftover = models / "digits" / f"{INCOMING_PREFIX}dead" / "version"
    leftover.mkdir(parents=True)
    (leftover / "saved_model.pb").write_bytes(b"half")
    (models / "digits" / "6").mkdir()
    return publish_version(autoencoder, statistic, {"seed": 5}, models, "digits")


@pytest.fixture
def probe(codec: Any) -> dict[str, Any]:
    """Images and the live model's answers to them."""
    images = build_probe()
    answers = codec.reconstruct(tf.constant(images))
    return {"images": images, **{name: answer.numpy() for name, answer in answers.items()}}


@pytest.fixture
def start_publisher(tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Start publishers into `tmp_path`; each publishes once for a line on its stdin. All are ended in the end."""
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        process = subprocess.Popen(  # our own code in our own interpreter
            [sys.executable, "-c", PUBLISHER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _ask(publisher: "subprocess.Popen[str]") -> None:
    assert publisher.stdin is not None
    publisher.stdin.write("publish\n")
    publisher.stdin.flush()


def _answer(publisher: "subprocess.Popen[str]") -> Path:
    assert publisher.stdout is not None
    return Path(publisher.stdout.readline().strip())


def _versions(model_dir: Path) -> list[Path]:
    return [entry for entry in model_dir.iterdir() if entry.name.isdecimal()]


def _assert_whole(version: Path) -> None:
    assert (version / "saved_model.pb").is_file()
    assert (version / WARMUP_FILE).is_file()
    assert "digits" == json.loads((version / CARD_FILE).read_text("utf-8"))["name"]
    assert 4 == tf.saved_model.load(str(version)).signatures["encode"].structured_outputs["codes"].shape[1]


def test_version_gets_the_number_after_the_largest(published: Path) -> None:
    """Gaps and foreign directories are not filled."""
    assert "7" == published.name


def test_version_is_whole_and_nothing_else_is_left(published: Path) -> None:
    """Graph, warm-up and card are there; no leftover of this writer or of a dead one."""
    visible = sorted(entry.name for entry in published.parent.iterdir() if entry.is_dir())

    assert ["6", "7"] == visible
    assert (published / "saved_model.pb").is_file()
    assert (published / WARMUP_FILE).is_file()


def test_card_says_what_the_model_is(published: Path, autoencoder: Any) -> None:
    """The publication adds name, code width and parameter count to the card."""
    card = json.loads((published / CARD_FILE).read_text("utf-8"))

    assert {"name": "digits", "code_dim": 8, "parameters": autoencoder.count_parameters(), "seed": 5} == card


def test_others_may_read_the_version(published: Path) -> None:
    """A server under another user can open the directory: it has the umask's rights, not those of a private one."""
    mask = os.umask(0)
    os.umask(mask)

    assert 0o777 & ~mask == published.stat().st_mode & 0o777


def test_check_finds_answers_that_differ(published: Path, probe: dict[str, Any]) -> None:
    """A version that answers otherwise than the live model is refused, and the text says where."""
    verify_version(published, probe)
    with pytest.raises(ContractViolationError, match=r"^errors is 0.1 off the live model's, the limit is 0.0001$"):
        verify_version(published, probe | {"errors": probe["errors"] + np.float32(0.1)})


def test_check_finds_foreign_signatures(tmp_path: Path, probe: dict[str, Any]) -> None:
    """A SavedModel with other signatures is no version of contract one."""
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(ContractViolationError, match=r"^got signatures \{\}, expected "):
        verify_version(tmp_path, probe)


def test_failed_check_publishes_nothing(
    autoencoder: Any, statistic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the fresh process refuses never becomes a version, and its reason reaches the caller."""
    monkeypatch.setattr("training.export._VERIFY_MODULE", "training.no_such_module")
    with pytest.raises(ExportError, match=r"No module named training\.no_such_module"):
        publish_version(autoencoder, statistic, {}, tmp_path, "digits")

    assert [] == [entry for entry in (tmp_path / "digits").iterdir() if entry.is_dir()]


def test_killed_publisher_leaves_nothing_or_a_whole_version(
    start_publisher: Callable[[], "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """SIGKILL as soon as a part is written: no version; the next publisher clears up and publishes a whole one."""
    model_dir = tmp_path / "digits"
    for part in ("version/saved_model.pb", "probe.npz"):
        publisher = start_publisher()
        _ask(publisher)
        while not list(model_dir.glob(f"{INCOMING_PREFIX}*/{part}")):
            assert publisher.poll() is None
        os.kill(publisher.pid, signal.SIGKILL)
        publisher.wait()
        for version in _versions(model_dir):
            _assert_whole(version)
    assert list(model_dir.glob(f"{INCOMING_PREFIX}*"))

    heir = start_publisher()
    _ask(heir)
    _assert_whole(_answer(heir))
    assert [] == list(model_dir.glob(f"{INCOMING_PREFIX}*"))


def test_two_publishers_at_once_publish_two_versions(
    start_publisher: Callable[[], "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """They wait for each other: both versions are whole and have numbers of their own."""
    publishers = [start_publisher(), start_publisher()]
    for publisher in publishers:
        _ask(publisher)

    versions = {_answer(publisher) for publisher in publishers}
    assert {tmp_path / "digits" / "1", tmp_path / "digits" / "2"} == versions
    for version in versions:
        _assert_whole(version)
