"""A variational code: `decode` turns random numbers into digits."""

import dataclasses

from training.recipes.base import FitConfig, LossConfig, Recipe
from training.recipes.denoising_32 import NETWORK, OPTIMIZER

RECIPE = Recipe(
    name="vae-16",
    summary="variational: decode 16 standard normal numbers to draw a new digit",
    source="what the articles wished for: codes to draw digits from",
    known_result="test MSE .0067; draws digits",
    network=dataclasses.replace(
        NETWORK,
        code_dim=16,  # all 16 units are used; more would say nothing and hold only noise
        variational=True,
    ),
    fit=FitConfig(
        batch_size=256,  # as the default, whose optimizer this is
        steps=12_000,  # 57 epochs of 54,000 images
        optimizer=OPTIMIZER,
        average_decay=0.995,  # the last 200 steps, a sixtieth of the fit
        loss=LossConfig(
            pixels="cross_entropy",  # the likelihood of grey levels as shares of ink
            divergence=1.0,  # with it the loss is the variational bound itself, in nats for each pixel
        ),
        watch_every_steps=600,  # 20 looks
    ),
)
