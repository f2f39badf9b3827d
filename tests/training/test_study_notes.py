"""What a study measured is found again by its key alone."""

from pathlib import Path

import pytest

from training.study.notes import Notes


def test_finding_is_read_by_its_key(tmp_path: Path) -> None:
    """A finding comes back as JSON holds it, from the file as from the writing of it."""
    notes = Notes(tmp_path / "measured")

    written = notes.write("one-class/3", {"seed": 0, "widths": (2, 5)}, {"auroc": 0.5, "steps": (1, 2)})

    assert {"auroc": 0.5, "steps": [1, 2]} == written
    assert written == notes.read("one-class/3", {"seed": 0, "widths": [2, 5]})


def test_other_key_finds_nothing(tmp_path: Path) -> None:
    """What was measured for another seed does not count."""
    notes = Notes(tmp_path)
    notes.write("pca", {"seed": 0}, 0.5)

    assert notes.read("pca", {"seed": 1}) is None
    assert notes.read("floor", {"seed": 0}) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_broken_file_counts_as_nothing(text: str, tmp_path: Path) -> None:
    """A file that is no note is measured again instead of ending the study."""
    (tmp_path / "pca.json").write_text(text)

    assert Notes(tmp_path).read("pca", None) is None


def test_nan_is_not_written(tmp_path: Path) -> None:
    """No file holds what other readers of JSON refuse."""
    with pytest.raises(ValueError, match="JSON"):
        Notes(tmp_path).write("pca", None, float("nan"))
    assert [] == list(tmp_path.iterdir())
