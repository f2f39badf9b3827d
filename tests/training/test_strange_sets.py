"""The ten strange sets: what each one is, and what is left out when material is missing."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.load import DigitData
from training.evaluation.strange_sets import StrangeSets, build_strange_sets

ALL = {
    "fashion",
    "uniform",
    "inverted",
    "permuted",
    "rotated",
    "rotated_no_018",
    "blank",
    "overlaid",
    "flipped",
    "half_erased",
}


@pytest.fixture(scope="module")
def digits(small_digits: DigitData) -> NDArray[np.uint8]:
    """The images that the sets are made from."""
    return small_digits.test_images


@pytest.fixture(scope="module")
def sets(small_digits: DigitData, digits: NDArray[np.uint8]) -> StrangeSets:
    """All ten sets."""
    return build_strange_sets(digits, small_digits.test_labels, digits[:5])


def test_all_ten_sets_are_made_from_full_material(sets: StrangeSets) -> None:
    """With labels and fashion nothing is left out, and everything is uint8 pictures."""
    assert ALL == set(sets.images)
    assert {} == sets.left_out
    assert {(np.dtype(np.uint8), (28, 28))} == {(made.dtype, made.shape[1:]) for made in sets.images.values()}


def test_missing_material_is_named(digits: NDArray[np.uint8]) -> None:
    """Sets that need labels or fashion are left out by name, with the reason."""
    sets = build_strange_sets(digits, None, None)

    assert ALL - set(sets.images) == set(sets.left_out)
    assert {"fashion", "rotated_no_018", "flipped"} == set(sets.left_out)


def test_equal_seeds_make_equal_sets(digits: NDArray[np.uint8]) -> None:
    """A figure can be measured again."""
    first, again, other = (build_strange_sets(digits, None, None, seed).images for seed in (1, 1, 2))

    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["uniform"], other["uniform"])


def test_sets_are_what_their_names_say(sets: StrangeSets, small_digits: DigitData) -> None:
    """Each deterministic set is its digit changed in the named way."""
    digit = small_digits.test_images[3]

    assert np.array_equal(255 - digit, sets.images["inverted"][3])
    assert np.array_equal(np.rot90(digit), sets.images["rotated"][3])
    assert 0 == sets.images["half_erased"][3][:14].max()
    assert np.array_equal(digit[14:], sets.images["half_erased"][3][14:])
    assert np.array_equal(np.sort(digit, axis=None), np.sort(sets.images["permuted"][3], axis=None))
    assert not np.array_equal(digit, sets.images["permuted"][3])


def test_overlaid_digits_hold_two_different_ones(sets: StrangeSets, digits: NDArray[np.uint8]) -> None:
    """Each picture covers its digit, and nearly all are brighter than it."""
    overlaid = sets.images["overlaid"]

    assert np.all(overlaid >= digits)
    assert 0.95 < np.mean(overlaid.sum(axis=(1, 2)) > digits.sum(axis=(1, 2)))


def test_half_of_the_blank_images_are_exactly_empty(sets: StrangeSets) -> None:
    """The other half carries faint noise."""
    brightest = sets.images["blank"].max(axis=(1, 2))

    assert len(brightest) // 2 == np.count_nonzero(brightest == 0)
    assert brightest.max() < 10


def test_set_that_would_be_empty_is_named(digits: NDArray[np.uint8]) -> None:
    """Threes can be turned but not flipped, ones neither."""
    threes = build_strange_sets(digits[:4], np.full(4, 3), digits[:4])
    ones = build_strange_sets(digits[:4], np.full(4, 1), digits[:4])

    assert {"flipped": "no digit is of a fitting class"} == threes.left_out
    assert {"flipped", "rotated_no_018"} == set(ones.left_out)
    assert all(len(images) for images in (threes.images | ones.images).values())


def test_sets_by_class_leave_out_symmetric_digits(sets: StrangeSets, small_digits: DigitData) -> None:
    """A turned 0, 1 or 8 and a flipped 0, 1, 3 or 8 are still digits."""
    labels = small_digits.test_labels
    assert labels is not None

    assert np.count_nonzero(~np.isin(labels, [0, 1, 8])) == len(sets.images["rotated_no_018"])
    flipped = small_digits.test_images[np.isin(labels, [2, 4, 5, 6, 7, 9])]
    assert np.array_equal(flipped[:, ::-1], sets.images["flipped"])
