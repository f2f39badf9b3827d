"""One hidden layer and nothing else: the best of the article recipes per second and per parameter."""

from training.recipes.base import DenseNetwork, FitConfig, LossConfig, OptimizerConfig, Recipe

RECIPE = Recipe(
    name="single-32",
    summary="one relu layer between pixels and pixels",
    source="an article on the simplest autoencoder, 20 epochs of cross-entropy",
    known_result="test MSE .0098, no unit dead",
    network=DenseNetwork(
        widths=(32,),
        activation="relu",  # of no layer: the only hidden one is the code
        code_activation="relu",
        output_activation="sigmoid",
        kernel_sd="glorot",  # what Keras does where an article names nothing
        bias=0.0,  # the same
    ),
    fit=FitConfig(
        batch_size=200,
        steps=5_400,  # 20 epochs of 54,000 images, 270 steps each
        optimizer=OptimizerConfig(learning_rate=1e-3),  # Adam's own values
        loss=LossConfig(pixels="cross_entropy"),  # from the logits: no gradient is lost where the sigmoid is flat
        watch_every_steps=270,  # every epoch
    ),
)
