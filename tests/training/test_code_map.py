"""The map of a version's codes that the playground shows: what is in it, and whose the shipped one is."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from numpy.typing import NDArray  # noqa: E402  # beside the imports below

from training.__main__ import main  # noqa: E402  # beside the imports above
from training.data.load import DigitData  # noqa: E402  # beside the imports above
from training.evaluation.codecs import SavedModelCodec  # noqa: E402  # beside the imports above
from training.report.code_map import choose_digits, quantise, scale_places  # noqa: E402  # beside the imports above

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL = REPOSITORY / "models" / "digits" / "1"
SHIPPED = REPOSITORY / "service" / "web" / "code_map.json"


def read_codes(content: dict[str, Any]) -> NDArray[np.float64]:
    """The codes of a map, as a page reads them."""
    low, high = np.array(content["low"]), np.array(content["high"])
    steps = np.frombuffer(b64decode(content["codes"]), np.uint8).reshape(-1, content["code_dim"])
    return np.asarray(low + steps / 255 * (high - low))


def read_places(content: dict[str, Any]) -> NDArray[np.float64]:
    """The places of a map, in [0, 1]."""
    return np.asarray(np.frombuffer(b64decode(content["places"]), "<u2").reshape(-1, 2) / 65535)


@pytest.fixture(scope="module")
def codec() -> SavedModelCodec:
    """The shipped model."""
    return SavedModelCodec(MODEL)


def test_command_writes_a_map(
    codec: SavedModelCodec, small_digits: DigitData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Codes are those of the model to a 255th of each unit's range; the witness is what the model makes of it."""
    target = tmp_path / "map.json"
    assert 0 == main(["map", str(MODEL), "--data", "digits", "--output", str(target)])
    content = json.loads(target.read_text())
    assert small_digits.test_labels is not None
    rows = choose_digits(small_digits.test_labels, min(1000, len(small_digits.test_images)))
    codes = codec.encode(small_digits.test_images[rows])
    witness = np.frombuffer(b64decode(content["witness"]["image"]), np.uint8).reshape(1, 28, 28)

    assert f"wrote {target}\n" == capsys.readouterr().out
    assert ({"name": "digits", "version": "1"}, len(rows)) == (content["model"], content["digits"])
    assert "".join(map(str, small_digits.test_labels[rows])) == content["labels"]
    assert np.abs(codes - read_codes(content)).max() <= np.ptp(codes, axis=0).max() / 255
    assert codec.encode(witness)[0] == pytest.approx(content["witness"]["code"], abs=1e-3)


def test_shipped_map_is_of_the_shipped_model(codec: SavedModelCodec) -> None:
    """Or the playground would not show it."""
    content = json.loads(SHIPPED.read_text())
    witness = np.frombuffer(b64decode(content["witness"]["image"]), np.uint8).reshape(1, 28, 28)

    assert codec.encode(witness)[0] == pytest.approx(content["witness"]["code"], abs=1e-3)
    assert SHIPPED.stat().st_size < 64 * 1024


def test_neighbours_on_the_shipped_map_are_of_one_class() -> None:
    """Nine in ten digits have a digit of their own class beside them, so a place means something."""
    content = json.loads(SHIPPED.read_text())
    places, labels = read_places(content), np.array(list(content["labels"]))
    distances = np.square(places[:, np.newaxis] - places).sum(axis=2) + np.eye(len(places))

    assert 0.9 < np.mean(labels[distances.argmin(axis=1)] == labels)


def test_every_class_has_its_share() -> None:
    """The first of each, in the order of the data; rare classes give what they have."""
    labels = np.array([0] * 8 + [1] * 2 + [0] * 2)

    assert [0, 1, 2, 8, 9] == choose_digits(labels, 6).tolist()
    assert [0, 1, 2] == choose_digits(None, 3).tolist()


def test_unit_that_does_not_move_is_quantised() -> None:
    """All its codes are its least, without a division by zero."""
    quantised = quantise(np.array([[1, 5], [3, 5]], np.float32))

    assert [[0, 0], [255, 0]] == quantised.codes.tolist()


def test_places_keep_their_shape() -> None:
    """The longer direction reaches from end to end, the shorter lies in the middle at the same scale."""
    scaled = scale_places(np.array([[0.0, 0.0], [4.0, 2.0], [2.0, 1.0]]))

    assert [[0, 16384], [65535, 49151], [32768, 32768]] == scaled.tolist()
