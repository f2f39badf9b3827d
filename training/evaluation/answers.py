"""Asks a codec about test digits, clean, noisy and strange, and keeps its answers; knows no figure of merit."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.evaluation.evaluated import Answers, NoiseExamples, StrangeAnswers
from training.evaluation.figures import Codec, Images
from training.evaluation.noises import NOISES, add_noise

Labels = NDArray[np.int64]
Rows = NDArray[np.intp]

# Enough for a row of pictures.
_EXAMPLES = 10


class Denoised(NamedTuple):
    """Test digits with a noise, and what the codec made of them.

    Attributes:
        noisy: uint8 (n, 28, 28).
        cleaned: uint8 (n, 28, 28).
    """

    noisy: Images
    cleaned: Images

    def pick_examples(self, images: Images, rows: Rows) -> NoiseExamples:
        """A few of them beside the clean digits, uint8 (n, 28, 28)."""
        return NoiseExamples(images[rows], self.noisy[rows], self.cleaned[rows])


class Observed(NamedTuple):
    """All that a codec was asked.

    Attributes:
        test: The clean test digits.
        denoised: By noise name.
        strange: By set name.
    """

    test: Answers
    denoised: dict[str, Denoised]
    strange: dict[str, StrangeAnswers]


def observe(codec: Codec, images: Images, strange_sets: Mapping[str, Images], seed: int) -> Observed:
    """Ask everything; a bar on a terminal shows how far it is.

    Args:
        codec: Who is asked.
        images: Clean test digits, uint8 (n, 28, 28), n >= 1.
        strange_sets: uint8 (m, 28, 28) by name, m >= 1.
        seed: Seed of the noises.
    """
    total = 1 + len(NOISES) + len(strange_sets)
    with tqdm(total=total, desc="asking the model", disable=None, leave=False, dynamic_ncols=True) as bar:
        found = codec.reconstruct(images)
        test = Answers(found.reconstructions, codec.encode(images), found.errors, found.anomaly_scores)
        bar.update()
        denoised = {}
        for name in NOISES:
            noisy = add_noise(images, name, seed)
            denoised[name] = Denoised(noisy, codec.reconstruct(noisy).reconstructions)
            bar.update()
        strange = {}
        for name, pictures in strange_sets.items():
            strange[name] = _ask_strange(codec, pictures)
            bar.update()
    return Observed(test, denoised, strange)


def choose_examples(labels: Labels | None, count: int) -> Rows:
    """Rows of the first digit of each class; where there are no labels the first ten of `count` rows."""
    if labels is None:
        return np.arange(min(_EXAMPLES, count))
    return np.asarray(np.unique(labels, return_index=True)[1], np.intp)


def _ask_strange(codec: Codec, images: Images) -> StrangeAnswers:
    found = codec.reconstruct(images)
    examples = slice(_EXAMPLES)
    # Copies: a view would keep the whole set alive.
    return StrangeAnswers(
        images[examples].copy(), found.reconstructions[examples].copy(), found.errors, found.anomaly_scores
    )
