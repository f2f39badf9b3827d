"""The digits that come with scikit-learn, brought to the size of MNIST's; for whoever has no network."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.readers import SIDE, Images, Labels

# MNIST drew its digits 20 pixels high inside 28; the small digits are brought to the same proportions.
_DIGIT_SIDE = 20


def read_small_digits() -> tuple[Images, Labels]:
    """1,797 images, uint8 (n, 28, 28), and their labels, int64 (n,)."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.stack([_enlarge(small) for small in digits.images])
    return images, digits.target.astype(np.int64)


def _enlarge(small: NDArray[np.float64]) -> Images:
    """8x8 in 0..16 -> 28x28 uint8, the digit 20 pixels high in the middle."""
    grey = Image.fromarray(np.rint(small * (255 / 16)).astype(np.uint8))
    digit = grey.resize((_DIGIT_SIDE, _DIGIT_SIDE), Image.Resampling.BICUBIC)
    margin = (SIDE - _DIGIT_SIDE) // 2
    return np.pad(np.asarray(digit), margin)
