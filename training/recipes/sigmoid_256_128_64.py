"""The second article's stack of sigmoid layers: every value is its own, and its initial weights saturate it."""

from training.recipes.base import DenseNetwork, FitConfig, OptimizerConfig, Recipe

NETWORK = DenseNetwork(
    widths=(256, 128, 64),
    activation="sigmoid",
    code_activation="sigmoid",
    output_activation="sigmoid",
    kernel_sd=1.0,  # sums of 784 pixels have a standard deviation near 9: most units start saturated, hardly learning
    bias=0.0,  # a usual start; the article names none
)
FIT = FitConfig(
    batch_size=256,
    steps=10_550,  # 50 epochs of 54,000 images, 211 steps each
    optimizer=OptimizerConfig(learning_rate=1e-3),  # Adam's own values
    watch_every_steps=422,  # every 2 epochs
)
RECIPE = Recipe(
    name="sigmoid-256-128-64",
    summary="three sigmoid layers from large initial weights; shows saturation",
    source="an article on stacked sigmoid layers, 50 epochs of Adam",
    known_result="test MSE .0523, 9 of 64 units dead",
    network=NETWORK,
    fit=FIT,
)
