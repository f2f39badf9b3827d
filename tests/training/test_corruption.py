"""Corruptions: reproducible, clipped, as strong as asked, and mixed in fixed parts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training import corruption  # noqa: E402  # needs TensorFlow
from training.recipes.base import CorruptionConfig, Dose  # noqa: E402  # beside the import above

SEED = (3, 7)
GREY = 0.5
CONFIG = CorruptionConfig(
    gaussian=Dose(0.25, 0.1, 0.6),
    salt_and_pepper=Dose(0.125, 0.05, 0.35),
    dropped_cells=Dose(0.125, 0.05, 0.4),
    blur=Dose(0.125, 0.5, 1.5),
)


def flat_images(count: int, value: float = GREY) -> NDArray[np.float32]:
    """Images of one grey level."""
    return np.full((count, 28, 28), value, np.float32)


def some_images(count: int) -> NDArray[np.float32]:
    """Images of noise."""
    return np.random.default_rng(0).random((count, 28, 28), np.float32)


Corrupt = Callable[[Any, Any], Any]
EVERY: dict[str, Corrupt] = {
    "gaussian": lambda images, seed: corruption.gaussian(images, 0.3, seed),
    "salt_and_pepper": lambda images, seed: corruption.salt_and_pepper(images, 0.2, seed),
    "dropped_cells": lambda images, seed: corruption.dropped_cells(images, 0.25, seed),
    "erased_block": lambda images, seed: corruption.erased_block(images, 14, seed),
    "batch": lambda images, seed: corruption.corrupt_batch(images, CONFIG, seed),
}


@pytest.fixture(params=sorted(EVERY))
def corrupt(request: pytest.FixtureRequest) -> Corrupt:
    """Each random corruption in turn."""
    return EVERY[request.param]


def test_equal_seeds_give_equal_noise(corrupt: Corrupt) -> None:
    """A seed decides everything; another seed gives something else."""
    images = tf.constant(some_images(16))

    assert np.array_equal(corrupt(images, SEED), corrupt(images, SEED))
    assert not np.array_equal(corrupt(images, SEED), corrupt(images, (3, 8)))


def test_graph_and_eager_agree(corrupt: Corrupt) -> None:
    """What the fit sees is what the evaluation measures."""
    images = tf.constant(some_images(16))
    graph = tf.function(corrupt)

    assert np.allclose(corrupt(images, SEED), graph(images, tf.constant(SEED)), atol=1e-6)


def test_pixels_stay_in_range(corrupt: Corrupt) -> None:
    """Shape, type and range of an image are kept."""
    corrupted = corrupt(tf.constant(some_images(16)), SEED).numpy()

    assert ((16, 28, 28), np.float32) == (corrupted.shape, corrupted.dtype)
    assert corrupted.min() >= 0
    assert corrupted.max() <= 1


def test_gaussian_noise_has_the_deviation_asked_for() -> None:
    """Each image gets its own; 0.05 around the middle grey is never clipped."""
    noisy = corruption.gaussian(flat_images(400), tf.repeat([0.02, 0.05], 200), SEED).numpy()

    assert pytest.approx(0.02, rel=0.02) == (noisy[:200] - GREY).std()
    assert pytest.approx(0.05, rel=0.02) == (noisy[200:] - GREY).std()


def test_salt_and_pepper_changes_the_share_asked_for() -> None:
    """Half of the changed pixels turn white, half black, the others stay."""
    salted = corruption.salt_and_pepper(flat_images(400), 0.2, SEED).numpy()

    assert {0.0, GREY, 1.0} == set(np.unique(salted).tolist())
    assert pytest.approx(0.1, abs=0.005) == (salted == 0).mean()
    assert pytest.approx(0.1, abs=0.005) == (salted == 1).mean()


def test_dropped_cells_are_whole() -> None:
    """A cell of 4x4 pixels is kept or dropped as one, at the share asked for."""
    dropped = corruption.dropped_cells(flat_images(400), 0.25, SEED).numpy()
    cells = dropped.reshape(400, 7, 4, 7, 4).swapaxes(2, 3).reshape(-1, 16)

    assert np.array_equal(cells.min(axis=1), cells.max(axis=1))
    assert pytest.approx(0.25, abs=0.01) == (cells[:, 0] == 0).mean()


def test_erased_block_is_one_whole_square() -> None:
    """A quarter of each picture is black: 14 rows and 14 columns that follow each other; the rest stays."""
    erased = corruption.erased_block(flat_images(400), 14, SEED).numpy()
    rows, columns = (erased == 0).any(axis=2), (erased == 0).any(axis=1)

    assert {14 * 14} == set((erased == 0).sum(axis=(1, 2)).tolist())
    assert {14} == set(rows.sum(axis=1).tolist()) | set(columns.sum(axis=1).tolist())
    assert {2} == set(np.abs(np.diff(np.pad(rows, ((0, 0), (1, 1))).astype(int))).sum(axis=1).tolist())
    assert {0.0, GREY} == set(np.unique(erased).tolist())


def test_erased_block_may_lie_anywhere_inside() -> None:
    """Each of the 15 places along either side is taken about equally often."""
    erased = corruption.erased_block(flat_images(3000), 14, SEED).numpy() == 0
    tops, lefts = erased.any(axis=2).argmax(axis=1), erased.any(axis=1).argmax(axis=1)

    for places in (tops, lefts):
        counts = np.bincount(places)
        assert 15 == len(counts)
        assert 140 < counts.min() <= counts.max() < 260


def test_block_as_large_as_the_picture_erases_it() -> None:
    """There is one place for it."""
    assert 0 == corruption.erased_block(flat_images(3), 28, SEED).numpy().max()


def test_strength_zero_changes_nothing() -> None:
    """No noise, no dropped pixel and no dropped cell leave the images as they were."""
    images = some_images(4)

    assert np.array_equal(images, corruption.gaussian(images, 0.0, SEED))
    assert np.array_equal(images, corruption.salt_and_pepper(images, 0.0, SEED))
    assert np.array_equal(images, corruption.dropped_cells(images, 0.0, SEED))


def test_blur_spreads_a_dot_evenly() -> None:
    """A dot becomes a gaussian bell that holds all of its ink."""
    dot = flat_images(1, 0.0)
    dot[0, 14, 14] = 1

    blurred = corruption.blur(dot, 1.0).numpy()[0]

    assert pytest.approx(1, abs=1e-5) == blurred.sum()
    assert np.allclose(blurred[14, 15] / blurred[14, 14], np.exp(-0.5))
    assert np.allclose(blurred, blurred.T)


def test_blur_does_not_darken_the_border() -> None:
    """A flat picture stays flat to its edge."""
    assert np.allclose(GREY, corruption.blur(flat_images(2), tf.constant([0.5, 1.5])), atol=1e-6)


def test_batch_holds_each_corruption_in_its_share() -> None:
    """Of 64 flat images 24 stay clean, 16 get noise, 8 salt and pepper, 8 lose cells, 8 are blurred (still flat)."""
    mixed = corruption.corrupt_batch(tf.constant(flat_images(64)), CONFIG, SEED).numpy()
    levels = np.array([len(np.unique(image.round(5))) for image in mixed])

    assert np.all(levels[:24] == 1)
    assert np.all(levels[24:40] > 100)
    assert np.all(levels[40:48] == 3)
    assert np.all(levels[48:56] <= 2)
    assert np.all(levels[56:] == 1)


def test_every_image_draws_its_own_strength() -> None:
    """Within a batch the noise differs from image to image."""
    mixed = corruption.corrupt_batch(tf.constant(flat_images(64)), CONFIG, SEED).numpy()

    assert 16 == len(np.unique(mixed[24:40].std(axis=(1, 2)).round(6)))


def test_small_batch_keeps_every_image() -> None:
    """A batch too small for every dose stays clean where a dose gets no slot."""
    images = some_images(3)

    assert np.array_equal(images, corruption.corrupt_batch(tf.constant(images), CONFIG, SEED))
