"""A smaller stack of sigmoid layers from small initial weights: the one article recipe that reaches what it reports."""

from training.recipes.base import DenseNetwork, FitConfig, OptimizerConfig, Recipe

RECIPE = Recipe(
    name="sigmoid-128-64",
    summary="two sigmoid layers from small initial weights",
    source="an article on small sigmoid layers; it reports a test loss of .010630",
    known_result="test MSE .0105, no unit dead",
    network=DenseNetwork(
        widths=(128, 64),
        activation="sigmoid",
        code_activation="sigmoid",
        output_activation="sigmoid",
        kernel_sd=0.05,  # sums of 784 pixels near .5: no unit starts saturated
        bias=0.0,  # a usual start; the article names none
    ),
    fit=FitConfig(
        batch_size=32,
        steps=20_000,  # 11.9 epochs of 54,000 images
        optimizer=OptimizerConfig(learning_rate=1e-3),  # Adam's own values
        watch_every_steps=1_000,  # 20 looks
    ),
)
