"""The classical denoisers: each cleans, is tuned as one would, and leaves alone what it should."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.load import DigitData
from training.evaluation.classical import METHODS, tune
from training.evaluation.measures import reconstruction_error

Images = NDArray[np.uint8]


@pytest.fixture(scope="module")
def clean(small_digits: DigitData) -> Images:
    """A few digits; enough to tell parameters apart."""
    return small_digits.train_images[:12]


@pytest.fixture(scope="module")
def noisy(clean: Images) -> Images:
    """The same with noise of sd 0.25."""
    noise = 0.25 * np.random.default_rng(0).standard_normal(clean.shape)
    return np.asarray(np.rint((clean / 255 + noise).clip(0, 1) * 255), np.uint8)


def mean_error(clean: Images, cleaned: Images) -> float:
    """Mean squared error over all images."""
    return float(reconstruction_error(clean, cleaned).mean())


@pytest.mark.parametrize("name", METHODS)
def test_tuned_method_cleans(name: str, clean: Images, noisy: Images) -> None:
    """Less than two thirds of the noise is left; the best of the grid was found and every try was told."""
    method, tries = METHODS[name], []
    parameters = tune(method, noisy, clean, lambda: tries.append(name))
    errors = [mean_error(clean, method.run(noisy, each)) for each in method.list_parameters()]

    assert min(errors) == mean_error(clean, method.run(noisy, parameters)) < 0.67 * mean_error(clean, noisy)
    assert len(errors) == len(tries)


@pytest.mark.parametrize("name", METHODS)
def test_images_are_cleaned_one_by_one(name: str, noisy: Images) -> None:
    """No method looks at the neighbours in the stack, and each gives uint8 pictures."""
    method = METHODS[name]
    parameters = next(method.list_parameters())
    together = method.run(noisy, parameters)

    assert (noisy.shape, noisy.dtype) == (together.shape, together.dtype)
    assert np.array_equal(method.run(noisy[3:4], parameters), together[3:4])


@pytest.mark.parametrize("name", METHODS)
def test_blank_pages_stay_blank(name: str) -> None:
    """Flat paper has no variance to divide by; nothing is made of it, without a warning."""
    method = METHODS[name]
    pages = np.zeros((2, 28, 28), np.uint8)

    assert np.array_equal(pages, method.run(pages, next(method.list_parameters())))


def test_grid_is_every_combination() -> None:
    """Two parameters are tried with each other's every value."""
    wiener = list(METHODS["wiener"].list_parameters())

    assert 12 == len(wiener)
    assert {"size": 3, "noise": 0.003} == wiener[0]
    assert {"size": 5, "noise": 0.2} == wiener[-1]


def test_clean_digits_are_best_left_alone(clean: Images) -> None:
    """Without noise every method is tuned to its weakest, where it changes little."""
    weakest = {name: tune(method, clean, clean, lambda: None) for name, method in METHODS.items()}

    assert {"sigma": 0.3} == weakest["gaussian"]
    assert {"weight": 0.01} == weakest["tv"]
    assert 1e-4 > mean_error(clean, METHODS["gaussian"].run(clean, weakest["gaussian"]))
