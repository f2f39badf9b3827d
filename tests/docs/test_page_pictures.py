"""The pictures of docs/how-it-works.md and docs/tutorial.md can be made again: in short, from few digits."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.running import RunningService

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from docs import how_pictures  # noqa: E402  # below TensorFlow's check
from docs.tutorial import drawing, fits  # noqa: E402  # needs TensorFlow
from service.client import Client  # noqa: E402  # beside the imports above


def measure(picture: bytes) -> tuple[int, int]:
    """Width and height of a PNG that is not of one colour."""
    with Image.open(io.BytesIO(picture)) as opened:
        assert len(opened.convert("L").getcolors() or []) > 2
        return opened.size


def test_pictures_of_answers_are_drawn(service: RunningService) -> None:
    """Two rows, three rows, and two charts side by side."""
    with Client(service.url) as client:
        noise, between = (measure(draw(client)) for draw in (how_pictures.draw_noise, how_pictures.draw_between))
        scores = measure(how_pictures.draw_scores(client, "digits"))

    assert noise[0] == between[0]
    assert 1.5 == pytest.approx(between[1] / noise[1], abs=0.02)
    assert scores[0] > 2 * scores[1]


def test_picture_of_batches_is_drawn() -> None:
    """By the service's own batcher."""
    width, height = measure(how_pictures.draw_batches())

    assert width > height


@pytest.fixture(scope="module")
def found() -> fits.Found:
    """What is kept of two steps of the simplest recipe."""
    digits = fits.load_digits("digits")
    (fit,) = [(network, config) for name, network, config in fits.list_fits(2) if name == "single-32"]
    return fits.fit_one(*fit, digits)


def test_fit_keeps_what_is_shown(found: fits.Found) -> None:
    """One digit of each class, its noisy copy, and what the model makes of both; codes; what units draw."""
    assert (2, (10, 28, 28), (20, 28, 28)) == (found.steps, found.reconstructions.shape, found.units.shape)
    assert len(found.codes) == len(found.labels)
    assert 0 < found.test_error < 1
    assert (found.noisy != found.images).any()


def test_every_picture_of_the_tutorial_is_drawn(found: fits.Found, tmp_path: Path) -> None:
    """By the names that the page uses; a two-wide code becomes the map."""
    all_found = {name: found for name, _, _ in fits.list_fits()}
    all_found["fixed-2d"] = found._replace(codes=np.ascontiguousarray(found.codes[:, :2]))

    drawing.draw_pictures(all_found, tmp_path)

    page = (Path(drawing.__file__).parents[1] / "tutorial.md").read_text(encoding="utf-8")
    assert page.count("](images/tutorial-") == len(list(tmp_path.iterdir()))
    assert [] == [path.name for path in tmp_path.iterdir() if f"](images/{path.name})" not in page]


def test_fits_are_kept_for_the_next_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: fits.Found) -> None:
    """Each is done once."""
    done: list[fits.Found] = []

    def fit_one(*_: object) -> fits.Found:
        done.append(found)
        return found

    monkeypatch.setattr(fits, "fit_one", fit_one)

    first = fits.fit_all("digits", tmp_path, 2)
    second = fits.fit_all("digits", tmp_path, 2)

    assert len(list(fits.list_fits())) == len(done) == len(first) == len(second)
    assert (second["single-32"].images == found.images).all()
