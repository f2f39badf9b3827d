"""The strange sets beside the ten: each is what its name says, and can be made again."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.load import DigitData
from training.evaluation.more_strange_sets import build_more_strange_sets

Images = NDArray[np.uint8]


@pytest.fixture(scope="module")
def digits(small_digits: DigitData) -> Images:
    """The images that the sets are made from; 20 pixels high in the middle, nothing at the border."""
    return small_digits.test_images


@pytest.fixture(scope="module")
def sets(digits: Images) -> dict[str, Images]:
    """All of them."""
    return build_more_strange_sets(digits)


def test_every_set_holds_as_many_pictures_as_there_are_digits(sets: dict[str, Images], digits: Images) -> None:
    """All are uint8 pictures, and no picture is the digit it was made from."""
    assert {"scaled", "translated", "blurred", "shot_noise", "strokes"} == set(sets)
    assert {(digits.shape, digits.dtype)} == {(made.shape, made.dtype) for made in sets.values()}
    assert all(np.all(np.any(made != digits, axis=(1, 2))) for made in sets.values())


def test_equal_seeds_make_equal_sets(digits: Images) -> None:
    """A figure can be measured again; another seed draws something else wherever something is drawn."""
    first, again, other = (build_more_strange_sets(digits[:20], seed) for seed in (1, 1, 2))

    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert {"blurred"} == {name for name in first if np.array_equal(first[name], other[name])}


def test_scaled_digits_are_half_as_large_or_fill_the_field(sets: dict[str, Images], digits: Images) -> None:
    """Ink goes with the square of the size: a quarter, or 1.84 times as much; both happen."""
    ratios = sets["scaled"].sum(axis=(1, 2), dtype=float) / digits.sum(axis=(1, 2), dtype=float)
    small = ratios < 1

    assert 0.3 < small.mean() < 0.7
    assert np.allclose(0.25, ratios[small], atol=0.02)
    assert np.allclose((38 / 28) ** 2, ratios[~small], atol=0.1)


def test_translated_digits_are_pushed_into_a_corner(sets: dict[str, Images], digits: Images) -> None:
    """Five pixels along both axes, into each of the four corners; ink beyond the edge is lost."""
    moves = [(down, right) for down in (-5, 5) for right in (-5, 5)]
    padded = np.pad(digits, ((0, 0), (5, 5), (5, 5)))
    moved = [padded[:, 5 - down : 33 - down, 5 - right : 33 - right] for down, right in moves]
    matches = np.array([np.all(sets["translated"] == each, axis=(1, 2)) for each in moved])

    assert np.all(matches.sum(axis=0) == 1)
    assert np.all(matches.any(axis=1))


def test_blurred_digits_keep_their_ink_and_lose_their_edges(sets: dict[str, Images], digits: Images) -> None:
    """The mean stays but for what spreads over the border, the contrast falls."""
    assert sets["blurred"].mean() == pytest.approx(digits.mean(), rel=0.02)
    assert np.all(sets["blurred"].std(axis=(1, 2)) < 0.8 * digits.std(axis=(1, 2)))


def test_shot_noise_counts_photons(sets: dict[str, Images], digits: Images) -> None:
    """Five levels between black and white, black stays black, the mean brightness of dark grey stays."""
    grey = (digits > 20) & (digits < 60)
    noisy = sets["shot_noise"]

    assert {0, 51, 102, 153, 204, 255} == set(np.unique(noisy).tolist())
    assert 0 == noisy[digits == 0].max()
    assert noisy[grey].mean() == pytest.approx(digits[grey].mean(), rel=0.1)


def test_strokes_hold_ink_like_a_digit(sets: dict[str, Images], digits: Images) -> None:
    """Bright strokes within the field of digits, about as much ink, and no two alike."""
    strokes = sets["strokes"]

    assert np.all(strokes.max(axis=(1, 2)) == 255)
    assert 0.5 < strokes.mean() / digits.mean() < 2
    assert 0 == max(strokes[:, edge].max() for edge in (0, -1))
    assert len(strokes) == len(np.unique(strokes, axis=0))
