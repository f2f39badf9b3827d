"""Parts the training images, so that nothing is judged on images that it was made from."""

from typing import NamedTuple

from training.data.readers import Images
from training.errors import DataError

# Enough to rank two looks of a fit: errors of single digits vary by a half, their mean over 1,000 by 1.5 %.
_WATCHED_SHARE = 5
_FEWEST = 5


class Parts(NamedTuple):
    """The training images in three parts.

    Attributes:
        fit: What the weights, and then the statistic, are fitted to.
        watch: What a fit is judged on while it runs: which weights are best, and when to stop.
        calibration: What neither has seen: the score is calibrated on them.
    """

    fit: Images
    watch: Images
    calibration: Images


def split_training(images: Images, held_out: int) -> Parts:
    """Set the last images aside to calibrate on, and a fifth as many before them to watch the fit.

    Of MNIST's 60,000 the last 5,000 calibrate, which is a convention: its order is mixed by digit, not by writer, so
    they are other writers' digits. Where fewer than twice `held_out` images came, a fifth of them calibrates.

    Raises:
        DataError: If fewer than 5 images came.
    """
    if len(images) < _FEWEST:
        raise DataError(f"{len(images)} images are left to train on, expected at least {_FEWEST}")
    if len(images) < 2 * held_out:
        held_out = len(images) // 5
    watched = max(1, held_out // _WATCHED_SHARE)
    fitted = len(images) - held_out - watched
    return Parts(images[:fitted], images[fitted:-held_out], images[-held_out:])
