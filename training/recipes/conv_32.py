"""Convolutions instead of dense layers: what the articles wished for next."""

from training.recipes.base import ConvNetwork, FitConfig, Recipe
from training.recipes.denoising_32 import OPTIMIZER

RECIPE = Recipe(
    name="conv-32",
    summary="convolutions down to 7x7 and up again, a linear code",
    source="what the articles wished for: convolutions",
    known_result="test MSE .0039",
    network=ConvNetwork(
        code_dim=32,  # as denoising-32 and plain-32, to compare with
        channels=(16, 32),  # twice as many where there are a quarter of the pixels
        hidden=128,  # 0.43 M parameters, half of plain-32's
    ),
    fit=FitConfig(
        batch_size=128,  # convolutions take four times as long an image as matrices; noisier steps make up for it
        steps=8_000,  # 19 epochs of 54,000 images
        optimizer=OPTIMIZER,
        average_decay=0.995,  # the last 200 steps, a fortieth of the fit
        watch_every_steps=400,  # 20 looks
    ),
)
