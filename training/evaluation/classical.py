"""The classical denoisers that a model is held against, and the search for their best parameters; know no model.

Source: scikit-image's and SciPy's own implementations, with what their users would tune.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import wiener
from skimage.filters import gaussian, median
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from training.evaluation.figures import Images
from training.evaluation.measures import reconstruction_error

Parameters = dict[str, float]
Grey = NDArray[np.float64]


@dataclass(frozen=True)
class Method:
    """A denoiser and what is tried of its parameters.

    Attributes:
        clean: Grey values (n, 28, 28) in [0, 1] and parameters -> the same, cleaned; values may leave [0, 1].
        grid: Values to try, by parameter; every combination is tried.
    """

    clean: Callable[..., Grey]
    grid: dict[str, Sequence[float]]

    def list_parameters(self) -> Iterator[Parameters]:
        """Every combination of the grid."""
        for values in itertools.product(*self.grid.values()):
            yield dict(zip(self.grid, values, strict=True))

    def run(self, images: Images, parameters: Parameters) -> Images:
        """Clean uint8 images (n, 28, 28); rounded and cut off as a model's pictures are."""
        cleaned = self.clean(images / 255, **parameters)
        return np.asarray(np.rint(cleaned.clip(0, 1) * 255), np.uint8)


def _run_median(images: Grey, size: int) -> Grey:
    return np.asarray(median(images, np.ones((1, size, size))))


def _run_gaussian(images: Grey, sigma: float) -> Grey:
    return np.asarray(gaussian(images, sigma=(0, sigma, sigma)))


def _run_wiener(images: Grey, size: int, noise: float) -> Grey:
    with np.errstate(divide="ignore", invalid="ignore"):  # on flat paper it divides by 0 and throws the result away
        return np.asarray(wiener(images, (1, size, size), noise))


def _run_tv(images: Grey, weight: float) -> Grey:
    return np.asarray(denoise_tv_chambolle(images, weight=weight, channel_axis=0))


def _run_nlm(images: Grey, h: float, sigma: float) -> Grey:
    return np.stack([denoise_nl_means(image, patch_size=5, patch_distance=11, h=h, sigma=sigma) for image in images])


# Each grid reaches from hardly any change to too much of it for the strongest noise of the table.
METHODS = {
    "median": Method(_run_median, {"size": (3, 5)}),
    "gaussian": Method(_run_gaussian, {"sigma": (0.3, 0.5, 0.7, 0.9, 1.2)}),
    "wiener": Method(_run_wiener, {"size": (3, 5), "noise": (0.003, 0.01, 0.03, 0.06, 0.1, 0.2)}),
    "tv": Method(_run_tv, {"weight": (0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3)}),
    "nlm": Method(_run_nlm, {"h": (0.03, 0.1, 0.13, 0.18), "sigma": (0.0, 0.15, 0.25)}),
}


def tune(method: Method, noisy: Images, clean: Images, advance: Callable[[], Any]) -> Parameters:
    """The parameters of the grid with the least mean squared error; of equal ones the first.

    Args:
        method: What to tune.
        noisy: uint8 (n, 28, 28), n >= 1.
        clean: The same images without noise.
        advance: Called after each try.
    """
    tried = []
    for parameters in method.list_parameters():
        error = float(reconstruction_error(clean, method.run(noisy, parameters)).mean())
        tried.append((error, parameters))
        advance()
    return min(tried, key=lambda each: each[0])[1]
