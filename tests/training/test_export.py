"""Publication: whole or not at all, checked, one at a time."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.data.load import DigitData  # noqa: E402  # beside the imports below
from training.errors import ExportError  # noqa: E402  # beside the imports below
from training.export.card import CARD_FILE  # noqa: E402  # beside the imports below
from training.export.publish import INCOMING_PREFIX, build_probe, publish_version  # noqa: E402  # needs TensorFlow
from training.export.verify import ContractViolationError, verify_version  # noqa: E402  # beside the import above
from training.export.warmup import WARMUP_FILE  # noqa: E402  # beside the import above

# As the file system of TensorFlow reports it, with pages of where it happened.
_FULL_DISK = tf.errors.ResourceExhaustedError(None, None, "variables.data; No space left on device\nTraceback: ...")

REPOSITORY = Path(__file__).resolve().parents[2]

# Publishes an untrained network as often as asked; says when it is about to start.
PUBLISHER = """
import sys
from pathlib import Path
import numpy as np
from training.networks.build import build_autoencoder
from training.recipes.base import ResidualNetwork
from training.anomaly.fitting import fit_statistic
from training.export.publish import publish_version
model = build_autoencoder(ResidualNetwork(4, 16, 16, 0, 0), seed=0)
images = np.random.default_rng(0).integers(0, 256, (200, 28, 28), dtype=np.uint8)
statistic = fit_statistic(model, images[:100], images[100:], seed=0)
for line in sys.stdin:
    print(publish_version(model, statistic, {"seed": 0}, Path(sys.argv[1]), "digits"), flush=True)
"""


@pytest.fixture(scope="module")
def published(
    autoencoder: Any, statistic: Any, small_digits: DigitData, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A version in a model directory where a dead writer had left something."""
    models = tmp_path_factory.mktemp("models")
    leftover = models / "digits" / f"{INCOMING_PREFIX}dead" / "version"
    leftover.mkdir(parents=True)
    (leftover / "saved_model.pb").write_bytes(b"half")
    (models / "digits" / "6").mkdir()
    return publish_version(
        autoencoder, statistic, {"seed": 5}, models, "digits", digits=small_digits.train_images[-64:]
    )


@pytest.fixture
def probe(codec: Any) -> dict[str, Any]:
    """Images and the live model's answers to them."""
    images = build_probe()
    answers = codec.reconstruct(tf.constant(images))
    live = {name: answer.numpy() for name, answer in answers.items()}
    return {"images": images, "calibration_size": np.array(300), **live}


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
    with pytest.raises(ContractViolationError, match=r"^errors is 0.1 off the live model's, the limit is 2e-05$"):
        verify_version(published, probe | {"errors": probe["errors"] + np.float32(0.1)})


def test_check_asks_for_held_out_digits_too(codec: Any, small_digits: DigitData, tmp_path: Path) -> None:
    """What differs in one digit of the last rows alone is found, with a score's limit of two ranks of 300."""
    codec.save(tmp_path / "version")
    images = np.concatenate([build_probe(), small_digits.train_images[-64:]])
    live = {name: answer.numpy() for name, answer in codec.reconstruct(tf.constant(images)).items()}
    probe = {"images": images, "calibration_size": np.array(300), **live}
    verify_version(tmp_path / "version", probe)
    live["anomaly_scores"][-1] -= 3 / 301

    with pytest.raises(ContractViolationError, match=r"^anomaly_scores is 0.0099\d+ off .*, the limit is 0.00664"):
        verify_version(tmp_path / "version", probe)


class _TinyCodec:
    """Contract one with two numbers a code; each defect that it can be given breaks one promise."""

    def __init__(self, defect: str = "", rows: int | None = None) -> None:
        self._defect = defect
        images, codes = tf.TensorSpec([rows, 28, 28], tf.uint8, "images"), tf.TensorSpec([rows, 2], tf.float32, "codes")
        self.functions = {
            "encode": tf.function(self._encode, [images]).get_concrete_function(),
            "decode": tf.function(self._decode, [codes]).get_concrete_function(),
            "reconstruct": tf.function(self._reconstruct, [images]).get_concrete_function(),
            "serving_default": tf.function(self._serve, [images]).get_concrete_function(),
        }

    def _encode(self, images: Any) -> dict[str, Any]:
        codes = self._codes(images)
        return {"codes": codes + 1 if self._defect == "encode" else codes}

    def _decode(self, codes: Any) -> dict[str, Any]:
        pictures = self._pictures(codes)
        if self._defect == "decode":
            pictures += 2
        if self._defect == "all pixels of decode":
            pictures += 1
        return {"images": tf.cast(pictures, tf.uint8)}

    def _reconstruct(self, images: Any) -> dict[str, Any]:
        codes = self._codes(images)
        scores = tf.reduce_mean(codes, axis=1) / 2
        if self._defect == "score":
            scores += 0.01
        if self._defect == "Python":
            scores = tf.ensure_shape(tf.py_function(lambda given: given, [scores], tf.float32), [None])
        pictures = tf.cast(self._pictures(codes), tf.uint8)
        return {"reconstructions": pictures, "codes": codes, "errors": codes[:, 0], "anomaly_scores": scores}

    def _serve(self, images: Any) -> dict[str, Any]:
        answer = self._reconstruct(images)
        return answer | {"errors": answer["errors"] * 2} if self._defect == "serving_default" else answer

    def _codes(self, images: Any) -> Any:
        pixels = tf.cast(images, tf.float32) / 255
        return tf.stack([tf.reduce_mean(pixels, axis=(1, 2)), tf.reduce_max(pixels, axis=(1, 2))], axis=1)

    def _pictures(self, codes: Any) -> Any:
        return tf.ones([1, 28, 28]) * tf.round(codes[:, :1, None] * 200)


@pytest.fixture(scope="module")
def tiny_probe() -> dict[str, Any]:
    """The answers of a tiny codec without a defect."""
    answers = _TinyCodec().functions["reconstruct"](images=tf.constant(build_probe()))
    live = {name: answer.numpy() for name, answer in answers.items()}
    return {"images": build_probe(), "calibration_size": np.array(5000), **live}


def _save_tiny(directory: Path, codec: _TinyCodec) -> Path:
    tf.saved_model.save(tf.Module(), str(directory), codec.functions)
    return directory


def test_check_passes_a_tiny_codec(tmp_path: Path, tiny_probe: dict[str, Any]) -> None:
    """Any model that keeps contract one passes, not only ours."""
    verify_version(_save_tiny(tmp_path, _TinyCodec()), tiny_probe)


@pytest.mark.parametrize(
    ("defect", "message"),
    [
        ("encode", "^codes is 1 off"),
        ("decode", "^images is 2 off"),
        ("all pixels of decode", "^100.0% of the pixels of images differ"),
        ("score", "^anomaly_scores is 0.01 off the live model's, the limit is 0.001"),
        ("serving_default", "^errors is "),
        ("Python", r"Python functions \['EagerPyFunc'"),
    ],
)
def test_check_finds_each_defect(defect: str, message: str, tmp_path: Path, tiny_probe: dict[str, Any]) -> None:
    """One wrong answer, or one operation that other loaders lack, is enough."""
    with pytest.raises(ContractViolationError, match=message):
        verify_version(_save_tiny(tmp_path, _TinyCodec(defect)), tiny_probe)


def test_check_finds_a_fixed_batch_size(tmp_path: Path, tiny_probe: dict[str, Any]) -> None:
    """A batch dimension that is not free is refused before it is called."""
    with pytest.raises(ContractViolationError, match=r"^got signatures .*\(8, 28, 28\)"):
        verify_version(_save_tiny(tmp_path, _TinyCodec(rows=8)), tiny_probe)


def test_check_finds_foreign_signatures(tmp_path: Path, probe: dict[str, Any]) -> None:
    """A SavedModel with other signatures is no version of contract one."""
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(ContractViolationError, match=r"^got signatures \{\}, expected "):
        verify_version(tmp_path, probe)


def test_failed_check_publishes_nothing(
    autoencoder: Any, statistic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the fresh process refuses never becomes a version, and its reason reaches the caller."""
    monkeypatch.setattr("training.export.publish._VERIFY_MODULE", "training.no_such_module")
    with pytest.raises(ExportError, match=r"No module named training\.no_such_module"):
        publish_version(autoencoder, statistic, {}, tmp_path, "digits")

    assert [] == [entry for entry in (tmp_path / "digits").iterdir() if entry.is_dir()]


def test_check_that_hangs_publishes_nothing(
    autoencoder: Any, statistic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that takes too long is told in our own words."""
    monkeypatch.setattr("training.export.publish._VERIFY_TIMEOUT_S", 0.01)
    with pytest.raises(ExportError, match=r"took more than 0\.01 s$"):
        publish_version(autoencoder, statistic, {}, tmp_path, "digits")

    assert [] == [entry for entry in (tmp_path / "digits").iterdir() if entry.is_dir()]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), _FULL_DISK])
def test_full_disk_is_told_with_a_way_out(
    error: Exception, autoencoder: Any, statistic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's and TensorFlow's own errors of writing become one line of ours, and nothing is left."""

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr("training.export.signatures.ServedCodec.save", refuse)
    with pytest.raises(ExportError, match=r"cannot write to .*digits: .*[Nn]o space left.*; choose another place"):
        publish_version(autoencoder, statistic, {}, tmp_path, "digits")

    assert [] == [entry for entry in (tmp_path / "digits").iterdir() if entry.is_dir()]


def _is_waiting_for_a_lock(file: Path) -> bool:
    """True if the kernel holds somebody back at this file."""
    inode = str(file.stat().st_ino)
    waiting = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(fields[6].rpartition(":")[2] == inode for fields in waiting)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="asks Linux who waits for a lock")
def test_publisher_waits_for_the_one_that_publishes(
    autoencoder: Any, statistic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another holds the model it makes no folder, and so clears none away; then it publishes."""
    monkeypatch.setattr("training.export.publish._check", lambda *_: None)
    model_dir = tmp_path / "digits"
    (model_dir / f"{INCOMING_PREFIX}other").mkdir(parents=True)
    publisher = threading.Thread(target=publish_version, args=(autoencoder, statistic, {}, tmp_path, "digits"))
    lock_file = model_dir / ".publish.lock"
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        publisher.start()
        while not _is_waiting_for_a_lock(lock_file):
            assert publisher.is_alive()

        assert {".publish.lock", f"{INCOMING_PREFIX}other"} == {entry.name for entry in model_dir.iterdir()}
    publisher.join()

    assert {".publish.lock", "1"} == {entry.name for entry in model_dir.iterdir()}


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
