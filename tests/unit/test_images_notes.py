"""Notes say what cannot be a digit, and keep silent about digits."""

import numpy as np
import pytest
from support import pictures

from service.images.ink.parts import find_parts
from service.images.normalise import normalise
from service.images.notes import Note, find_notes

LINE = np.zeros((200, 300), np.uint8)
LINE[100:104, 40:260] = 255


def beside(count: int) -> pictures.Grey:
    """So many digits side by side, four times as large, with a margin."""
    return np.pad(np.kron(np.hstack(list(pictures.digits(count))), np.ones((4, 4), np.uint8)), 20)


def note(picture: pictures.Grey) -> Note | None:
    """The note on a picture after `normalise`."""
    return find_notes(normalise(picture)[np.newaxis])[0]


def test_digits_get_no_note() -> None:
    """Hardly any of a thousand does: 22 of MNIST's 10,000."""
    found = find_notes(pictures.digits(1000))

    assert sum(each is not None for each in found) <= 0.01 * len(found)


@pytest.mark.parametrize("level", [0, 90, 255])
def test_blank_page_has_no_ink(level: int) -> None:
    """Whatever its grey."""
    assert Note.NO_INK is note(np.full((80, 60), level, np.uint8))


def test_two_digits_one_above_the_other_are_several_parts() -> None:
    """Of similar size, and connected nowhere."""
    digit = np.kron(pictures.digits(1)[0], np.ones((4, 4), np.uint8))

    assert Note.SEVERAL_PARTS is note(np.vstack([digit, digit]))


@pytest.mark.parametrize("count", [3, 4, 5])
def test_several_digits_side_by_side_are_flat(count: int) -> None:
    """However small their gaps are in the end."""
    assert Note.FLAT is note(beside(count))


@pytest.mark.parametrize("picture", [LINE, 255 - LINE], ids=["bright", "dark"])
def test_line_is_flat(picture: pictures.Grey) -> None:
    """Alone on its page it is ink, not a ruled line to be left out."""
    assert Note.FLAT is note(picture)


def test_parts_hang_together_by_corners() -> None:
    """Areas, boxes and pixels are those of the parts that SciPy finds."""
    from scipy import ndimage

    random = np.random.default_rng(7)
    for share in (0.1, 0.4, 0.6):
        mask = random.random((40, 60)) < share
        parts = find_parts(mask)
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        drawn = parts.draw(np.ones(count, bool), mask.shape)
        largest = parts.draw(np.arange(count) == np.argmax(parts.areas), mask.shape)

        assert sorted(np.bincount(labels.ravel())[1:]) == sorted(parts.areas)
        assert 1 == len(np.unique(labels[largest]))
        np.testing.assert_array_equal(mask, drawn)
