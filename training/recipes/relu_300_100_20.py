"""The first article's stack of relu layers: every value is its own, and the code dies of them."""

from training.recipes.base import DenseNetwork, FitConfig, OptimizerConfig, Recipe

NETWORK = DenseNetwork(
    widths=(300, 100, 20),
    activation="relu",
    code_activation="relu",  # one step that pushes a unit below 0 for every digit leaves it there: its gradient is 0
    output_activation="relu",  # the same for pixels; those above 1 are cut off when a picture is made
    kernel_sd=0.1,  # twice He's .05 for 784 inputs
    bias=0.1,  # lets every unit start above 0
)
FIT = FitConfig(
    batch_size=50,
    steps=20_000,  # 18.5 epochs of 54,000 images
    optimizer=OptimizerConfig(
        rule="rmsprop",
        learning_rate=0.01,  # ten times what RMSprop usually has: the step that kills the code
        beta_2=0.9,  # the usual one of RMSprop; the article names none
    ),
    watch_every_steps=1_000,  # 20 looks
)
RECIPE = Recipe(
    name="relu-300-100-20",
    summary="relu on every layer, also on code and pixels; shows how a code dies",
    source="an article on stacked relu layers; it reports a test loss of .031768",
    known_result="test MSE .0677, all 20 units dead",
    network=NETWORK,
    fit=FIT,
)
