"""What the tutorial fits, and what it keeps of each fit; draws nothing."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.corruption import gaussian
from training.data.load import load_data
from training.data.readers import Images
from training.data.split import Parts, split_training
from training.evaluation.codecs import SavedModelCodec
from training.evaluation.measures import reconstruction_error
from training.fit.loop import fit
from training.fit.progress import open_progress
from training.networks.autoencoder import Autoencoder
from training.recipes import find_recipe
from training.recipes.base import FitConfig, NetworkConfig
from training.study import variants

_DEFAULT_MODEL = Path("models/digits/1")
_SEED = 0
_HELD_OUT = 5_000
# Of 10 classes: enough to see what a network does.
_SHOWN = 10
# As in docs/recipes.md: noise that hides thin strokes, and leaves the digit to be read.
_NOISE_SIGMA = 0.5
_MAPPED = 2_000
_DRAWN = 20

# The recipes that the tutorial takes, and steps enough to see what each is about.
_RECIPES = {
    "single-32": 5_400,
    "fixed-2d": 2_000,
    "conv-32": 1_000,
    "plain-32": 2_000,
    "sparse-64": 2_000,
    "vae-16": 2_000,
}
# Of the changes to the first recipe that docs/recipes.md measures.
_CHANGES = ("as-written", "slow", "linear", "linear-sigmoid-he-adam")
_CHANGE_STEPS = 1_000


class Found(NamedTuple):
    """What is kept of a fit.

    Attributes:
        steps: How many it took.
        seconds: How long they took.
        test_error: Mean squared error on the test digits.
        images: Test digits, one of each class, uint8 (10, 28, 28).
        reconstructions: What the model makes of them, uint8 (10, 28, 28).
        noisy: The same digits with noise, uint8 (10, 28, 28).
        cleaned: What the model makes of those, uint8 (10, 28, 28).
        codes: Codes of the first 2,000 test digits, float32 (n, code_dim).
        labels: Their classes, int64 (n,).
        units: What the decoder draws where one unit speaks, uint8 (min(20, code_dim), 28, 28).
        drawn: What it draws from standard normal codes, uint8 (20, 28, 28).
    """

    steps: int
    seconds: float
    test_error: float
    images: Images
    reconstructions: Images
    noisy: Images
    cleaned: Images
    codes: NDArray[np.float32]
    labels: NDArray[np.int64]
    units: Images
    drawn: Images


class Digits(NamedTuple):
    """What the models are fitted to and shown."""

    parts: Parts
    test_images: Images
    test_labels: NDArray[np.int64]
    shown: Images
    noisy: Images


def fit_all(source: str | None, kept: Path, most_steps: int | None = None) -> dict[str, Found]:
    """Everything that the tutorial shows, by name; fits that `kept` has from a former call are not done again."""
    digits = load_digits(source)
    kept.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, network, config in list_fits(most_steps):
        path = kept / f"{name}-{config.steps}.npz"
        if not path.exists():
            np.savez_compressed(path, **fit_one(network, config, digits)._asdict())
        found[name] = _read(path)
    return found


def list_fits(most_steps: int | None = None) -> Iterator[tuple[str, NetworkConfig, FitConfig]]:
    """Name, network and fit of each; a fit of fewer steps than its recipe's still ends with the smallest rate."""
    changes = {each.name: each for each in variants.changes(variants.RECIPE, _CHANGE_STEPS, _SEED)}
    fits: list[tuple[str, NetworkConfig, FitConfig]] = [
        (name, changes[name].network, changes[name].fit) for name in _CHANGES
    ]
    for name, steps in _RECIPES.items():
        recipe = find_recipe(name)
        fits.append((name, recipe.network, dataclasses.replace(recipe.fit, steps=steps)))
    for name, network, config in fits:
        yield name, network, dataclasses.replace(config, steps=min(config.steps, most_steps or config.steps))


def load_digits(source: str | None) -> Digits:
    """The digits of a source, which must have labels, and one test digit of each class."""
    data = load_data(source)
    labels = data.test_labels
    if labels is None:
        raise ValueError(f"{data.name} has no labels, and the tutorial shows one digit of each class")
    shown = data.test_images[[int(np.flatnonzero(labels == each)[0]) for each in range(_SHOWN)]]
    noisy = gaussian(shown.astype(np.float32) / 255, _NOISE_SIGMA, (_SEED, 0)).numpy()
    parts = split_training(data.train_images, _HELD_OUT)
    return Digits(parts, data.test_images, labels, shown, _to_pixels(noisy))


def fit_one(network: NetworkConfig, config: FitConfig, digits: Digits) -> Found:
    """Fit a model, and keep what is shown of it."""
    with open_progress(config.steps, config.batch_size) as progress:
        fitted = fit(network, config, digits.parts.fit, digits.parts.watch, _SEED, progress)
    model = fitted.autoencoder
    codes = np.concatenate([_encode(model, images) for images in np.array_split(digits.test_images, 10)])
    answers = np.concatenate([_decode(model, each) for each in np.array_split(codes, 10)])
    few = codes[:_MAPPED]
    return Found(
        steps=config.steps,
        seconds=fitted.seconds,
        test_error=float(reconstruction_error(digits.test_images, answers).mean()),
        images=digits.shown,
        reconstructions=_decode(model, _encode(model, digits.shown)),
        noisy=digits.noisy,
        cleaned=_decode(model, _encode(model, digits.noisy)),
        codes=few,
        labels=digits.test_labels[:_MAPPED],
        units=_decode(model, _let_single_units_speak(few)),
        drawn=_decode(model, np.random.default_rng(_SEED).standard_normal((_DRAWN, model.code_dim), np.float32)),
    )


def clean_by_default_model(noisy: Images) -> Images:
    """What the model of the repository makes of noisy digits."""
    return SavedModelCodec(_DEFAULT_MODEL).reconstruct(noisy).reconstructions


def _let_single_units_speak(codes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Codes in which one unit says what only one digit in a hundred makes it say, and the others nothing."""
    loud = np.quantile(codes, 0.99, axis=0)
    livelier = np.argsort(-codes.std(axis=0))[:_DRAWN]
    return (np.eye(len(loud)) * loud)[livelier].astype(np.float32)


def _encode(model: Autoencoder, images: Images) -> NDArray[np.float32]:
    codes: NDArray[np.float32] = model.encoder(tf.constant(images.astype(np.float32) / 255)).numpy()
    return codes


def _decode(model: Autoencoder, codes: NDArray[np.float32]) -> Images:
    return _to_pixels(model.decoder(tf.constant(codes)).numpy())


def _to_pixels(pictures: NDArray[Any]) -> Images:
    pixels: Images = np.rint(np.clip(pictures, 0, 1) * 255).astype(np.uint8)
    return pixels


def _read(path: Path) -> Found:
    with np.load(path) as kept:
        arrays = {name: kept[name] for name in Found._fields}
    scalars = {name: arrays.pop(name).item() for name in ("steps", "seconds", "test_error")}
    return Found(**scalars, **arrays)
