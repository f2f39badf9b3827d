"""Structural similarity: as scikit-image computes it, and what it says of pictures that one knows."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity as reference

from training.data.load import DigitData
from training.evaluation.similarity import structural_similarity


def test_similarity_is_that_of_scikit_image(small_digits: DigitData) -> None:
    """Digits, noisy digits, noise and empty pages: all agree to rounding."""
    images = small_digits.test_images[:40].copy()
    noise = np.random.default_rng(0).integers(0, 256, images.shape, dtype=np.uint8)
    images[:4] = 0
    others = np.where(noise < 40, noise, images)
    others[4:8] = noise[4:8]
    expected = [reference(image, other, data_range=255) for image, other in zip(images, others, strict=True)]

    assert expected == pytest.approx(structural_similarity(images, others).tolist(), abs=1e-12)


def test_many_pictures_are_measured_one_by_one() -> None:
    """More than one chunk, in order; equal pictures are alike to 1."""
    images = np.random.default_rng(0).integers(0, 256, (1200, 28, 28), dtype=np.uint8)
    others = images.copy()
    others[700] = 0
    similarity = structural_similarity(images, others)

    assert (1200,) == similarity.shape
    assert [700] == np.flatnonzero(similarity < 1 - 1e-12).tolist()


def test_pictures_of_other_shapes_are_refused() -> None:
    """They are not cut to fit."""
    with pytest.raises(ValueError, match=r"got pictures of shapes \(2, 28, 28\) and \(1, 28, 28\)"):
        structural_similarity(np.zeros((2, 28, 28), np.uint8), np.zeros((1, 28, 28), np.uint8))
