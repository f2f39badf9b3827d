"""Compression to 16 numbers a digit: the default's network, and clean digits only."""

import dataclasses

from training.recipes.base import FitConfig, Recipe
from training.recipes.denoising_32 import NETWORK, OPTIMIZER

RECIPE = Recipe(
    name="plain-16",
    summary="compresses to 16 numbers a digit",
    source="this project",
    known_result="test MSE .0055",
    network=dataclasses.replace(NETWORK, code_dim=16),  # 49 times smaller than the pixels
    fit=FitConfig(
        batch_size=256,  # as the default, whose optimizer this is
        steps=10_000,  # 47 epochs of 54,000 images; so narrow a code is nearly as good as it gets by then
        optimizer=OPTIMIZER,
        average_decay=0.995,  # the last 200 steps, a fiftieth of the fit
        watch_every_steps=500,  # 20 looks
        patience=6,  # looks: a third of the fit; MNIST never needs it, a few thousand crops of one's own do
    ),
)
