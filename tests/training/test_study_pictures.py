"""The study's pictures: what they write, and that no name lies on another."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from support.study_findings import FLOOR, make_dying, make_findings, make_outcome

from training.study.dying_picture import paint_dying
from training.study.findings import Outcome
from training.study.pictures import draw, write_pictures
from training.study.recipes_picture import paint_recipes

# As wide and as close to each other as the real ones can be.
_CROWD = [
    *(make_outcome(f"sigmoid-256-128-{width}-2", mse, 0.0557, 2) for width, mse in enumerate((0.0553, 0.0555, 0.0556))),
    *(make_outcome(f"denoising-{place}", 0.0041 + place * 1e-5) for place in range(5)),
    make_outcome("sigmoid-256-128", 0.077, 0.0042, 128),
    make_outcome("relu-300-100-20", 0.0676, 0.0235, 20),
    make_outcome("plain-16-and-more", 0.0268, 0.0269, 16),
]


def _find_overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that share some of their place; the line from a name to its mark is no text."""
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text() and text.get_visible()]
    boxes = [(text.get_text(), Text.get_window_extent(text).padded(-0.5)) for text in texts]
    return [(one, other) for (one, box), (other, around) in combinations(boxes, 2) if box.overlaps(around)]


def _find_outside(figure: Figure) -> list[str]:
    """Texts that are cut off by the edge of the picture."""
    width, height = figure.bbox.width, figure.bbox.height
    boxes = {text.get_text(): Text.get_window_extent(text) for text in figure.findobj(Text) if isinstance(text, Text)}
    return [name for name, box in boxes.items() if name and not (0 <= box.x0 and box.x1 <= width and box.y1 <= height)]


def _draw(inches: tuple[float, float], paint: Callable[[Figure], None]) -> Figure:
    """The figure behind a picture."""
    seen: list[Figure] = []

    def paint_and_see(figure: Figure) -> None:
        paint(figure)
        seen.append(figure)

    draw(inches, paint_and_see)
    return seen[0]


def _paint_crowd(figure: Figure) -> None:
    paint_recipes(figure, _CROWD, FLOOR)


def test_names_of_recipes_do_not_overlap() -> None:
    """Even where five models of one width are equally good."""
    figure = _draw((9.6, 8.4), _paint_crowd)

    assert [] == _find_overlaps(figure)
    assert [] == _find_outside(figure)


def test_words_about_dying_do_not_overlap() -> None:
    """Fifteen strips, their labels and the chart beside them."""
    figure = _draw((9.6, 5.6), lambda empty: paint_dying(empty, make_dying()))

    assert [] == _find_overlaps(figure)
    assert [] == _find_outside(figure)


def test_pictures_are_written_where_the_page_looks(tmp_path: Path) -> None:
    """Two PNGs of a size that a page can show."""
    write_pictures(make_findings(), tmp_path / "images")

    assert {"recipes.png", "dying-code.png"} == {path.name for path in (tmp_path / "images").iterdir()}
    for path in (tmp_path / "images").iterdir():
        with Image.open(path) as picture:
            assert ("PNG", 1536) == (picture.format, picture.width)


def test_equal_findings_give_equal_bytes() -> None:
    """A page that is written again changes nothing in the repository."""
    assert draw((9.6, 8.4), _paint_crowd) == draw((9.6, 8.4), _paint_crowd)


def test_nothing_trained_is_drawn_all_the_same(tmp_path: Path) -> None:
    """Principal components alone; no picture of what was not measured."""
    outcomes: list[Outcome] = []

    write_pictures(make_findings(outcomes=outcomes, dying=None), tmp_path)

    assert ["recipes.png"] == [path.name for path in tmp_path.iterdir()]
