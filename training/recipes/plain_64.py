"""Compression to 64 numbers a digit: the default's network, and clean digits only."""

import dataclasses

from training.recipes.base import FitConfig, Recipe
from training.recipes.denoising_32 import NETWORK, OPTIMIZER

RECIPE = Recipe(
    name="plain-64",
    summary="compresses to 64 numbers a digit",
    source="this project",
    known_result="test MSE .0015",
    network=dataclasses.replace(NETWORK, code_dim=64),  # 12 times smaller than the pixels
    fit=FitConfig(
        batch_size=256,  # as the default, whose optimizer this is
        steps=16_000,  # 76 epochs of 54,000 images; a wider code takes longer than one of 16
        optimizer=OPTIMIZER,
        average_decay=0.996,  # the last 250 steps, a sixtieth of the fit
        watch_every_steps=800,  # 20 looks
        patience=6,  # looks: a third of the fit; MNIST never needs it, a few thousand crops of one's own do
    ),
)
