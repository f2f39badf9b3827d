"""A wide sigmoid stack with two faults at once: large initial weights, large steps; every value is its article's."""

from training.recipes.base import DenseNetwork, FitConfig, OptimizerConfig, Recipe

RECIPE = Recipe(
    name="sigmoid-256-128",
    summary="two sigmoid layers from large initial weights, large steps",
    source="an article on wide sigmoid layers, RMSprop",
    known_result="test MSE .0242, 3 of 128 units dead",
    network=DenseNetwork(
        widths=(256, 128),
        activation="sigmoid",
        code_activation="sigmoid",
        output_activation="sigmoid",
        kernel_sd=1.0,  # sums of 784 pixels have a standard deviation near 9: most units start saturated
        bias=0.0,  # a usual start; the article names none
    ),
    fit=FitConfig(
        batch_size=256,
        steps=30_000,  # 142 epochs of 54,000 images
        optimizer=OptimizerConfig(
            rule="rmsprop",
            learning_rate=0.01,  # ten times what RMSprop usually has
            beta_2=0.9,  # the usual one of RMSprop; the article names none
        ),
        watch_every_steps=1_000,  # 30 looks
    ),
)
