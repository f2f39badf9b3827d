"""What things are called on the page, and how numbers are written; knows no picture."""

from typing import NamedTuple


class Name(NamedTuple):
    """A name for a heading and what it means, in a few words."""

    title: str
    meaning: str


_STRANGE_SETS = {
    "fashion": Name("Clothes", "pictures of clothes, no digit among them"),
    "uniform": Name("Noise", "every pixel drawn by chance"),
    "inverted": Name("Inverted", "dark ink on bright paper"),
    "permuted": Name("Permuted", "the pixels of a digit in one other order"),
    "rotated": Name("Rotated", "digits on their side"),
    "rotated_no_018": Name("Rotated, without 0, 1, 8", "digits on their side that cannot be read so"),
    "blank": Name("Blank", "empty paper, half of it with a camera's faint noise"),
    "overlaid": Name("Overlaid", "two digits on top of each other"),
    "half_erased": Name("Half erased", "digits without their upper half"),
    "flipped": Name("Flipped", "digits upside down that cannot be read so"),
    "scaled": Name("Scaled", "digits half as large, or as large as the picture"),
    "translated": Name("Translated", "digits away from the middle, by 5 pixels along both axes"),
    "blurred": Name("Blurred", "digits out of focus, by 2 pixels"),
    "shot_noise": Name("Shot noise", "digits in too little light"),
    "strokes": Name("Strokes", "straight strokes drawn by chance"),
}

_NOISES = {
    "gaussian_25": Name("Gaussian noise, 0.25", "normal noise of standard deviation 0.25 on every pixel"),
    "gaussian_50": Name("Gaussian noise, 0.5", "normal noise of standard deviation 0.5 on every pixel"),
    "salt_and_pepper_20": Name("Salt and pepper, 20 %", "every fifth pixel black or white"),
    "dropped_cells_25": Name("Dropped cells, 25 %", "every fourth cell of 4 by 4 pixels erased"),
    "blur_1px": Name("Blur, 1 pixel", "a gaussian blur of one pixel"),
    "block_14": Name("Erased block, 14 by 14", "a quarter of the picture erased in one block"),
}

_METHODS = {
    "model": "this model",
    "identity": "doing nothing",
    "median": "median",
    "gaussian": "gaussian",
    "wiener": "Wiener",
    "tv": "total variation",
    "nlm": "non-local means",
}


def name_strange_set(name: str) -> Name:
    """What a set of strange images is; one that a user named keeps its own name."""
    return _STRANGE_SETS.get(name) or Name(name.replace("_", " "), "images that were given")


def name_noise(name: str) -> Name:
    """What a noise does."""
    return _NOISES.get(name) or Name(name.replace("_", " "), "noise")


def name_method(name: str) -> str:
    """What a way of cleaning is called in a sentence."""
    return _METHODS.get(name) or name


def write_error(error: float) -> str:
    """A squared error: four decimals, or two figures of one that is smaller."""
    return f"{error:.4f}" if error >= 0.0001 or error == 0 else f"{error:.1e}"


def write_psnr(psnr_db: float) -> str:
    """A signal-to-noise ratio; the unit never stands alone on a line."""
    return f"{psnr_db:.1f}\N{NO-BREAK SPACE}dB"


def write_share(share: float, decimals: int = 2) -> str:
    """A share in [0, 1] in per cent; the sign never stands alone on a line."""
    return f"{100 * share:.{decimals}f}\N{NO-BREAK SPACE}%"


def write_count(count: int, thing: str, things: str | None = None) -> str:
    """A number with its thing: 1 image, 10,000 images."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def write_duration(seconds: float) -> str:
    """How long something took, in the largest fitting unit."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return write_count(round(seconds / length), unit)
    return write_count(round(seconds), "second")
